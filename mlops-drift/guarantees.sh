#!/usr/bin/env bash
# Measures every stated false-alarm rate on its full grid and writes the table: ./mlops-drift/guarantees.sh
# Takes tens of minutes of one core. A rate above its bound fails the run, and no table is written.
set -euo pipefail
cd "$(dirname "$0")/.."

suites=(default_behaviour level level_two_sample multivariate slice stream)
lines="$(mktemp)"
trap 'rm -f "$lines"' EXIT
for suite in "${suites[@]}"; do
    grid="$(cargo test --locked --release -q -p mlops-drift --test "$suite" -- --ignored --nocapture --test-threads=1 \
        --skip _of_psi_by_size)"
    grep -E '\([0-9]+ of [0-9]+, bound [0-9]+\)' <<< "$grid" | sed "s/^/$suite: /" >> "$lines"
done

table() {
    echo "# False-alarm rates, measured"
    echo
    echo "Drift-free samples, every test at 5 %. A test whose rate is exactly its own exceeds its bound with"
    echo "probability 1e-4. Made by \`./mlops-drift/guarantees.sh\`, which fails if a rate exceeds its bound; what"
    echo "each row simulates stands in the suite of that name under \`tests\`."
    echo
    echo "| suite | case | rate | alarms | of | bound |"
    echo "| --- | --- | --- | --- | --- | --- |"
    sed -E 's/^([a-z_]+): (.*): ([0-9.]+) \(([0-9]+) of ([0-9]+), bound ([0-9]+)\)$/| \1 | \2 | \3 | \4 | \5 | \6 |/' "$lines"
}
table > mlops-drift/GUARANTEES.md
