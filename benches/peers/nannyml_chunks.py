"""NannyML's Kolmogorov-Smirnov and Jensen-Shannon in chunks of 5,000 rows, so many times; prints the number of chunks."""

import sys

import nannyml
import pandas as pd

nannyml.disable_usage_logging()
for _ in range(int(sys.argv[1])):
    reference, current = (pd.read_parquet(f"{sys.argv[2]}/{name}.parquet") for name in ["reference", "current"])
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=list(reference.columns),
        continuous_methods=["kolmogorov_smirnov", "jensen_shannon"],
        chunk_size=5_000,
    )
    result = calculator.fit(reference).calculate(current)
    print((result.to_df()[("chunk", "chunk", "period")] == "analysis").sum())
