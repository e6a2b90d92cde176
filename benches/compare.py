#!/usr/bin/env python3
"""Ours beside a peer, one after the other on the same files; prints the ratio of their CPU time.

    python3 benches/compare.py            # all of it: a quarter of an hour, most of it Evidently's
    python3 benches/compare.py join drift
    python3 benches/compare.py memory     # the peak of our check of 10,000,000 rows against as many: 3.2 GB of files
    python3 benches/compare.py rows       # CPU time a row of 100,000, 1,000,000 and 10,000,000 rows: the same files

Installs the peers (peers/requirements.txt) into target/peers at the first run. CPU time, user and
system, is that of the work alone: a process that does it 1 + N times less one that does it once.
The ratio of processes that do it once, imports and first calls included, stands beside it.
"""

import os
import statistics
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
DATA = ROOT / "examples/data/nycflights13"
PEERS = ROOT / "target/peers"
WIDE = PEERS / "wide"
ROWS = 1_000_000
LONG = PEERS / "long"
LONG_ROWS = 10_000_000
SHORT = PEERS / "short"
SHORT_ROWS = 100_000


class Work:
    """What we do and what the peer does with a folder of files, and how often; `same` if both must say the same."""

    def __init__(self, ours, peer, times, folder, rounds=3, same=True):
        self.ours, self.peer, self.folder, self.rounds, self.same = ours, peer, folder, rounds, same
        self.our_times, self.peer_times = times


WORKS = {
    "join": Work("join", "join", (10, 10), DATA),
    "drift": Work("drift", "drift", (100, 100), DATA),
    "evidently": Work("files", "evidently_preset", (5, 1), WIDE, rounds=1),
    "evidently-profile": Work("profile", "evidently_preset", (20, 1), WIDE, rounds=1),
    "nannyml": Work("files", "nannyml_ks_js", (5, 2), WIDE, same=False),
    "nannyml-chunks": Work("chunks", "nannyml_chunks", (5, 1), WIDE),
    "duckdb": Work("files", "duckdb_quantiles", (5, 5), WIDE, same=False),
}


def python():
    interpreter = PEERS / "bin/python"
    if not interpreter.exists():
        venv.create(PEERS, with_pip=True)
    wanted = ["-r", HERE / "peers/requirements.txt"]
    subprocess.run([interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted], check=True)
    return interpreter


def ours():
    build = ["cargo", "build", "--release", "-q", "-p", "mlops-benches", "--bin", "ours"]
    subprocess.run(build, cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/ours"


def run(command):
    """CPU seconds of a process, its greatest memory in MB, and the last word that it printed."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"{command} failed"
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, (printed.split() or [""])[-1]


def per_time(command, times):
    """CPU seconds of the work alone, and of a process that does it once; and what it says."""
    (once, _, first), (often, _, last) = run(command(1)), run(command(1 + times))
    assert first == last, f"{first} is not {last}"
    return (often - once) / times, once, last


def compare(name, work, interpreter, binary):
    ratios = []
    for _ in range(work.rounds):
        we, our_process, our_answer = per_time(lambda n: [binary, work.ours, n, work.folder], work.our_times)
        peer = HERE / f"peers/{work.peer}.py"
        they, their_process, their_answer = per_time(
            lambda n: [interpreter, peer, n, work.folder], work.peer_times
        )
        agree = our_answer == their_answer or not work.same
        assert agree, f"{name}: we say {our_answer}, the peer {their_answer}"
        ratios.append((they / we, their_process / our_process))
        print(f"{name}: ours {1000 * we:.2f} ms, peer {1000 * they:.2f} ms of CPU", flush=True)
    alone, whole = (statistics.median(column) for column in zip(*ratios))
    print(
        f"{name}: the peer takes {alone:.1f} times as much CPU (median of {work.rounds}),"
        f" {whole:.1f} times as a process that does it once"
    )


def wide(interpreter, folder, rows):
    if not folder.exists():
        run([interpreter, HERE / "peers/wide.py", folder, rows])


def memory(interpreter, binary):
    wide(interpreter, LONG, LONG_ROWS)
    for work in ["files", "profile"]:
        seconds, peak, _ = run([binary, work, 1, LONG])
        print(f"memory: {work} of {LONG_ROWS:,} by 20 against as many takes {peak:.0f} MB and {seconds:.1f} s of CPU")


def rows(interpreter, binary):
    """Whether the cost of a check is linear in rows, and that of one against a saved profile in current rows."""
    sizes = {SHORT: (SHORT_ROWS, 50), WIDE: (ROWS, 5), LONG: (LONG_ROWS, 1)}
    for work in ["files", "profile"]:
        each = []
        for folder, (count, times) in sizes.items():
            wide(interpreter, folder, count)
            seconds, _, _ = per_time(lambda n: [binary, work, n, folder], times)
            each.append(seconds / count)
        told = ", ".join(f"{1e9 * cost:.0f}" for cost in each)
        print(
            f"rows: {work} of {SHORT_ROWS:,}, {ROWS:,} and {LONG_ROWS:,} by 20 against as many take {told} ns of CPU a row;"
            f" of the longest {each[2] / each[1]:.2f} times as much as of the middle one"
        )


def main():
    interpreter, binary = python(), ours()
    alone = {"memory": memory, "rows": rows}
    for name in sys.argv[1:] or [*WORKS, *alone]:
        if name in alone:
            alone[name](interpreter, binary)
            continue
        if WORKS[name].folder == WIDE:
            wide(interpreter, WIDE, ROWS)
        compare(name, WORKS[name], interpreter, binary)


main()
