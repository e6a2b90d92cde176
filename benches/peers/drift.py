"""scipy.stats.ks_2samp on each of the weather's numbers, so many times: half a year against the other."""

import sys

import pandas as pd
from scipy.stats import ks_2samp

weather = pd.read_parquet(f"{sys.argv[2]}/weather.parquet")
half = len(weather) // 2
WEATHER = ["temp", "dewp", "humid", "wind_speed", "pressure"]
reference, current = ([part[name].dropna().to_numpy() for name in WEATHER] for part in (weather[:half], weather[half:]))

for _ in range(int(sys.argv[1])):
    p_values = [ks_2samp(a, b, method="asymp").pvalue for a, b in zip(reference, current)]
    # Bonferroni, the least that one must do over several columns.
    print(sum(p * len(p_values) < 0.05 for p in p_values))
