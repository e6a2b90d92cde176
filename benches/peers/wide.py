"""Two tables of numbers as Parquet, ROWS by 20; in the second, half of the columns are shifted by half a deviation."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GROUP = 131_072


def group(random, rows, shift):
    table = {
        f"x{i:02}": random.standard_normal(rows) if i < 10 else random.gamma(2.0, 1.0, rows)
        for i in range(20)
    }
    for name in list(table)[::2]:
        table[name] += shift
    return pa.table(table)


folder, rows = Path(sys.argv[1]), int(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
for seed, name in enumerate(["reference", "current"]):
    random = np.random.default_rng(seed)
    sizes = [min(GROUP, rows - start) for start in range(0, rows, GROUP)]
    first = group(random, sizes[0], 0.5 * seed)
    with pq.ParquetWriter(folder / f"{name}.parquet", first.schema) as writer:
        writer.write_table(first)
        for size in sizes[1:]:
            writer.write_table(group(random, size, 0.5 * seed))
