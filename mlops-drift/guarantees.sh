#!/usr/bin/env bash
# Measures every stated rate on its full grid and writes the table: ./mlops-drift/guarantees.sh [suite ...]
# Takes hours of one core; with names only these suites are measured, and the rows of the others stay. A rate above its bound fails
# the run, and the rows of its suite are left out of the table.
set -uo pipefail
cd "$(dirname "$0")/.."

all=(default_behaviour level level_two_sample multivariate slice fixed_reference brackets stream monitor run_length online_fdr dependence
    performance_level estimated_level coverage label_free guarantees)
suites=("${@:-${all[@]}}")
page=mlops-drift/GUARANTEES.md
rows="$(mktemp)"
trap 'rm -f "$rows"' EXIT

# The lines that a suite prints, as rows.
measure() {
    local suite="$1" crate=mlops-drift grid=--ignored
    [ "$suite" = guarantees ] && crate=mlops-core
    [ "$suite" = label_free ] && grid=--include-ignored # most of its simulations are quick
    cargo test --locked --release -q -p "$crate" --test "$suite" -- "$grid" --nocapture --test-threads=1 \
        --skip _of_psi_by_size --skip the_time_of > "$rows.out" 2>&1
    local status=$?
    sed -nE "s/^[.]*(.*): ([0-9.]+) \(([0-9]+) of ([0-9]+), bound ([0-9]+)\)\$/| $suite | \1 | \2 | \3 | \4 | \5 |/p" "$rows.out" > "$rows"
    [ "$status" = 0 ] || grep -E "panicked|: .* of .*|error" "$rows.out" >&2
    rm -f "$rows.out"
    return "$status"
}

head_of_page() {
    cat <<'PAGE'
# Stated rates, measured

Made by `./mlops-drift/guarantees.sh`, which fails if a count exceeds its bound: what is promised exactly exceeds it with
probability 1e-4 or so. What each row simulates stands in the suite of that name under `tests` (`guarantees`: in mlops-core). Most
rows count false alarms without drift, of tests at 5 %. Others say what they count in their names: misses of an interval, alarms of a run
length (of so many observations, 1/c of which may alarm), false discoveries, values outside of a bracket that must hold them all. Intervals
that are approximate by their documentation (`coverage`) have bounds of 7 % where 5 % is stated, unless a row's name or its documentation says more.

| suite | case | rate | count | of | bound |
| --- | --- | --- | --- | --- | --- |
PAGE
}

# The page with the rows of this suite, and those of others as they stand.
write_page() {
    local suite="$1" kept
    kept="$(grep -E '^\| [a-z_]+ \|' "$page" | grep -vE "^\| (suite|$suite) \|")"
    { head_of_page; for name in "${all[@]}"; do
        if [ "$name" = "$suite" ]; then cat "$rows"; else grep -E "^\| $name \|" <<< "$kept"; fi
    done; } > "$page.new"
    mv "$page.new" "$page"
}

failed=()
for suite in "${suites[@]}"; do
    started=$SECONDS
    if measure "$suite"; then
        echo "$suite: $(wc -l < "$rows") rows in $((SECONDS - started)) s"
    else
        failed+=("$suite")
        : > "$rows"
    fi
    write_page "$suite"
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "above a bound, and left out: ${failed[*]}" >&2
    exit 1
fi
