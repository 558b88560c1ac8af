#!/usr/bin/env python3
"""Runs the same unit test files through promtool and through firedrill, and prints medians, their ratios and peak memory.

cargo build --release && python3 benches/versus_promtool.py [--runs 5] [--hours 2,6,24] [--firedrill BINARY]

promtool is looked for in the folder FIREDRILL_PEERS and in PATH; the real files and the program that makes suites in
../shared. What is missing is skipped, and said. The two tools take turns, so that a busy machine slows down both; suites
that promtool needs minutes for are run once.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HOUSE = Path(__file__).resolve().parent.parent
SHARED = HOUSE.parent / "shared"
SUITE = SHARED / "bench" / "gen_suite.py"
REAL_FILES = SHARED / "conformance" / "promtool"
# A suite of so many hours is run once.
LONG = 24
# The suite whose sizes are doubled one by one.
GROWTH_HOURS = 2

TINY_RULES = """groups:
- name: api
  rules:
  - alert: ApiDown
    expr: up{job="api"} == 0
    for: 5m
    labels: {severity: page}
    annotations: {summary: '{{ $labels.instance }} is down'}
"""
TINY_TEST = """rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - series: 'up{job="api", instance="a:1"}'
    values: 1x5 0x10
  alert_rule_test:
  - eval_time: 12m
    alertname: ApiDown
    exp_alerts:
    - exp_labels: {severity: page, job: api, instance: "a:1"}
      exp_annotations: {summary: 'a:1 is down'}
"""


def skip(what):
    print(f"SKIPPED: {what}", file=sys.stderr)


class Cost(NamedTuple):
    """What a process takes: seconds on the clock, seconds of all processors, MB of memory at its peak."""

    clock: float
    processors: float
    memory: float

    def __str__(self):
        return f"{self.clock:.3g} s, {self.processors:.3g} s CPU, {self.memory:.0f} MB"


def run(command, folder):
    """Exit code and cost of one process."""
    began = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts in KiB, macOS in bytes.
    memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return child.returncode, Cost(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, memory)


def measure(tools, files, folder, runs):
    """The cost by tool: medians of the times, the largest peak of memory."""
    taken = {name: [] for name in tools}
    for _ in range(runs):
        for name, command in tools.items():
            taken[name].append(run([*command, *files], folder))
    codes = {name: sorted({code for code, _ in results}) for name, results in taken.items()}
    if len(set(map(str, codes.values()))) > 1:
        print(f"the exit codes differ: {codes}", file=sys.stderr)

    def typical(results):
        clock, processors, memory = zip(*(cost for _, cost in results))
        return Cost(statistics.median(clock), statistics.median(processors), max(memory))

    return {name: typical(results) for name, results in taken.items()}


def row(what, runs, measured):
    ours, theirs = measured["firedrill"], measured.get("promtool")
    ratio = f"{theirs.clock / ours.clock:.0f} | {theirs.processors / ours.processors:.0f}" if theirs else "- | -"
    print(f"| {what} | {theirs or '-'} | {ours} | {ratio} | {runs} |", flush=True)


def suite(folder, **sizes):
    options = [text for name, size in sizes.items() for text in (f"--{name}", str(size))]
    subprocess.run([sys.executable, SUITE, folder, *options], check=True, stdout=subprocess.DEVNULL)
    return ["rules_test.yaml"]


def growth(tools, scratch, runs, once):
    """What a suite costs of which one size is doubled, beside the suite itself: 2 where the cost is linear in it alone."""
    print("\n| twice as many | promtool | firedrill |\n|---|---|---|")
    for what, sizes in [("rules", {"rules": 400}), ("series", {"instances": 100}), ("ticks", {"tick": 30})]:
        folder = scratch / what
        doubled = measure(tools, suite(folder, hours=GROWTH_HOURS, **sizes), folder, runs)
        grown = {
            name: f"CPU x {cost.processors / once[name].processors:.2f}, memory x {cost.memory / once[name].memory:.2f}"
            for name, cost in doubled.items()
        }
        print(f"| {what} | {grown.get('promtool', '-')} | {grown['firedrill']} |", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--hours", default="2,6,24", help="sizes of the suites")
    arguments.add_argument("--firedrill", type=Path, default=HOUSE / "target" / "release" / "firedrill")
    chosen = arguments.parse_args()
    if not chosen.firedrill.is_file():
        sys.exit(f"{chosen.firedrill} is missing: cargo build --release")
    places = [os.environ.get("FIREDRILL_PEERS"), os.environ.get("PATH")]
    promtool = shutil.which("promtool", path=os.pathsep.join(filter(None, places)))
    tools = {"firedrill": [str(chosen.firedrill.resolve()), "test"]}
    if promtool:
        tools = {"promtool": [promtool, "test", "rules"]} | tools
    else:
        skip("promtool is missing; firedrill alone is measured")

    print("| files | promtool | firedrill | ratio | of CPU | runs |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        (scratch / "rules.yaml").write_text(TINY_RULES)
        (scratch / "test.yaml").write_text(TINY_TEST)
        runs = 10 * chosen.runs
        row("1 tiny file", runs, measure(tools, ["test.yaml"], scratch, runs))
        if REAL_FILES.is_dir():
            files = [entry["file"] for entry in json.loads((REAL_FILES / "verdicts.json").read_text())]
            row(f"{len(files)} real files", chosen.runs, measure(tools, files, REAL_FILES, chosen.runs))
        else:
            skip(f"{REAL_FILES} is missing")
        if not SUITE.is_file():
            skip(f"{SUITE} is missing")
            return
        once = None
        for hours in map(int, chosen.hours.split(",")):
            folder = scratch / f"{hours}h"
            runs = 1 if hours >= LONG else chosen.runs
            measured = measure(tools, suite(folder, hours=hours), folder, runs)
            row(f"a suite of {hours} h", runs, measured)
            once = measured if hours == GROWTH_HOURS else once
        if once:
            growth(tools, scratch, chosen.runs, once)


if __name__ == "__main__":
    main()
