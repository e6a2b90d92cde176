#!/usr/bin/env python3
"""Ours beside a peer, one after the other on the same files; prints the ratio of their CPU time.

    python3 benches/compare.py            # all of it: a quarter of an hour, most of it Evidently's
    python3 benches/compare.py join drift

Installs the peers (peers/requirements.txt) into target/peers at the first run. CPU time, user and
system, is that of the work alone: a process that does it 1 + N times less one that does it once.
"""

import resource
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
    return ROOT / "target/release/ours"


def run(command):
    """CPU seconds of a process, and the last line that it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, (answer.stdout.split() or [""])[-1]


def per_time(command, times):
    (once, first), (often, last) = run(command(1)), run(command(1 + times))
    assert first == last, f"{first} is not {last}"
    return (often - once) / times, last


def compare(name, work, interpreter, binary):
    ratios = []
    for _ in range(work.rounds):
        we, our_answer = per_time(lambda n: [binary, work.ours, n, work.folder], work.our_times)
        peer = HERE / f"peers/{work.peer}.py"
        they, their_answer = per_time(lambda n: [interpreter, peer, n, work.folder], work.peer_times)
        agree = our_answer == their_answer or not work.same
        assert agree, f"{name}: we say {our_answer}, the peer {their_answer}"
        ratios.append(they / we)
        print(f"{name}: ours {1000 * we:.2f} ms, peer {1000 * they:.2f} ms of CPU", flush=True)
    ratios.sort()
    print(f"{name}: the peer takes {ratios[len(ratios) // 2]:.1f} times as much CPU (median of {work.rounds})")


def main():
    interpreter, binary = python(), ours()
    wanted = sys.argv[1:] or WORKS
    if any(WORKS[name].folder == WIDE for name in wanted) and not WIDE.exists():
        run([interpreter, HERE / "peers/wide.py", WIDE, ROWS])
    for name in wanted:
        compare(name, WORKS[name], interpreter, binary)


main()
