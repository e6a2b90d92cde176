"""Nine exact quantiles of every column of both files by DuckDB on two threads, so many times; prints the number of columns."""

import sys

import duckdb

SHARES = [share / 10 for share in range(1, 10)]
connection = duckdb.connect()
connection.execute("SET threads = 2")
for _ in range(int(sys.argv[1])):
    for name in ["reference", "current"]:
        path = f"{sys.argv[2]}/{name}.parquet"
        columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
        quantiles = ", ".join(f"quantile_disc({column}, {SHARES})" for column in columns)
        row = connection.execute(f"SELECT {quantiles} FROM '{path}'").fetchone()
    print(len(row))
