#!/usr/bin/env python3
"""Ours beside a peer, one after the other on the same files; prints the ratio of their CPU time.

    python3 benches/compare.py            # join and drift
    python3 benches/compare.py join

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
TIMES = {"join": 10, "drift": 100}
ROUNDS = 3


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
    return seconds, answer.stdout.split()[-1]


def per_time(command, times):
    (once, first), (often, last) = run(command(1)), run(command(1 + times))
    assert first == last, f"{first} is not {last}"
    return (often - once) / times, last


def main():
    interpreter, binary = python(), ours()
    for work in sys.argv[1:] or TIMES:
        times = TIMES[work]
        ratios = []
        for _ in range(ROUNDS):
            we, our_answer = per_time(lambda n: [binary, work, n], times)
            they, their_answer = per_time(lambda n: [interpreter, HERE / f"peers/{work}.py", n, DATA], times)
            assert our_answer == their_answer, f"{work}: we say {our_answer}, the peer {their_answer}"
            ratios.append(they / we)
            print(f"{work}: ours {1000 * we:.2f} ms, peer {1000 * they:.2f} ms of CPU, same answer {our_answer}")
        ratios.sort()
        print(f"{work}: the peer takes {ratios[len(ratios) // 2]:.1f} times as much CPU (median of {ROUNDS})")


main()
