"""NannyML's Kolmogorov-Smirnov and Jensen-Shannon, from Parquet to result, so many times; prints the number of columns."""

import sys

import nannyml
import pandas as pd

nannyml.disable_usage_logging()
for _ in range(int(sys.argv[1])):
    reference, current = (pd.read_parquet(f"{sys.argv[2]}/{name}.parquet") for name in ["reference", "current"])
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=list(reference.columns),
        continuous_methods=["kolmogorov_smirnov", "jensen_shannon"],
        chunk_number=10,
    )
    result = calculator.fit(reference).calculate(current)
    print(len(result.column_names))
