"""pandas.merge_asof, so many times: every flight with the newest weather known at its departure."""

import sys

import pandas as pd

DATA = sys.argv[2]
WEATHER = ["temp", "dewp", "humid", "wind_speed", "pressure"]

flights = pd.read_parquet(f"{DATA}/flights.parquet", columns=["origin", "time_hour", "minute"])
flights["departs"] = flights.time_hour + pd.to_timedelta(flights.minute, unit="min")
weather = pd.read_parquet(f"{DATA}/weather.parquet", columns=["origin", "time_hour", *WEATHER])
weather["known_at"] = weather.time_hour + pd.Timedelta(hours=1)

for _ in range(int(sys.argv[1])):
    # merge_asof wants both sides sorted by time, and gives the rows back in that order.
    left = flights[["origin", "departs"]].reset_index().sort_values("departs", kind="stable")
    right = weather[["origin", "known_at", *WEATHER]].sort_values("known_at", kind="stable")
    joined = pd.merge_asof(
        left, right, left_on="departs", right_on="known_at", by="origin", tolerance=pd.Timedelta(hours=6)
    )
    joined = joined.set_index("index").sort_index()
    print(int(joined.temp.isna().sum()))
