"""Two tables of numbers as Parquet, ROWS by 20; in the second, half of the columns are shifted by half a deviation."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

folder, rows, columns = Path(sys.argv[1]), int(sys.argv[2]), 20
folder.mkdir(parents=True, exist_ok=True)
for seed, name in enumerate(["reference", "current"]):
    random = np.random.default_rng(seed)
    shift = 0.5 * seed
    table = {
        f"x{i:02}": random.standard_normal(rows) if i < 10 else random.gamma(2.0, 1.0, rows)
        for i in range(columns)
    }
    for i in range(0, columns, 2):
        table[f"x{i:02}"] += shift
    pq.write_table(pa.table(table), folder / f"{name}.parquet", row_group_size=131072)
