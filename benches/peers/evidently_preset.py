"""Evidently's data drift preset, from Parquet to report, so many times; prints the number of columns that drifted."""

import sys

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

for _ in range(int(sys.argv[1])):
    reference, current = (pd.read_parquet(f"{sys.argv[2]}/{name}.parquet") for name in ["reference", "current"])
    report = Report([DataDriftPreset()]).run(current, reference)
    print(int(report.dict()["metrics"][0]["value"]["count"]))
