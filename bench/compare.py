"""What got slower since the last record, in units that another machine's record shares.

    python -m bench.compare results.json                 against bench/record.json
    python -m bench.compare results.json --store         ... and store it as the new record

Takes the JSON of ``python -m bench.table --out`` or of ``pytest --benchmark-json``. Seconds are
divided by the calibration time measured in the same run, so that only the ratio to the machine
counts. Exit code 1 if a timing of ours got slower than the threshold, or no longer reaches its
accuracy.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import peers

RECORD = Path(__file__).with_name("record.json")
THRESHOLD = 1.25
NEGLIGIBLE = 2e-3  # seconds: below this a difference is noise, whatever its ratio


@dataclass(frozen=True)
class Change:
    name: str
    before: float  # seconds, as if on the machine of the new measurement
    after: float

    @property
    def ratio(self) -> float:
        return self.after / self.before

    def is_slower(self, threshold: float) -> bool:
        return self.ratio > threshold and self.after - self.before > NEGLIGIBLE


@dataclass(frozen=True)
class Timings:
    """Seconds by name, "problem | accuracy | solver | threads", and their machine's calibration."""

    calibration: float
    seconds: dict[str, float]


def read(path: Path) -> Timings:
    stored = json.loads(path.read_text())
    if "benchmarks" in stored:
        return _from_pytest(stored)
    return _from_table(stored)


def _from_table(stored: dict) -> Timings:
    clock = "cpu" if stored["meta"]["threads"] == 1 else "wall"
    seconds = {
        _name(c["problem"], target, c["solver"], c["threads"]): run[clock]
        for c in stored["cells"]
        for target, run in c["targets"].items()
    }
    return Timings(stored["meta"]["calibration"], seconds)


def _from_pytest(stored: dict) -> Timings:
    facts = [row["extra_info"] for row in stored["benchmarks"]]
    if not facts:
        raise ValueError("the pytest-benchmark file has no measurements")
    seconds = {
        _name(f["problem"], f["target"], f["solver"], f["threads"]): row["stats"]["median"]
        for f, row in zip(facts, stored["benchmarks"], strict=True)
    }
    return Timings(statistics.median(f["calibration"] for f in facts), seconds)


def _name(problem: str, target: str, solver: str, threads: int) -> str:
    return f"{problem} | {target} | {solver} | {threads} thread(s)"


def changes(before: Timings, after: Timings) -> list[Change]:
    """What both have, worst first."""
    speed = after.calibration / before.calibration
    common = before.seconds.keys() & after.seconds.keys()
    found = [Change(name, before.seconds[name] * speed, after.seconds[name]) for name in common]
    return sorted(found, key=lambda change: -change.ratio)


def lost(before: Timings, after: Timings, measured: set[str]) -> list[str]:
    """Accuracies that were reached before and, although the problem was run, are not now."""
    return sorted(
        name for name in before.seconds.keys() - after.seconds.keys() if _problem(name) in measured
    )


def _problem(name: str) -> str:
    return name.split(" | ")[0]


def is_ours(name: str) -> bool:
    return name.split(" | ")[2].split(".")[0] == peers.OURS


def merge(before: dict, after: dict) -> dict:
    """The record keeps rows that were not run again; their seconds are converted to this
    machine."""
    speed = after["meta"]["calibration"] / before["meta"]["calibration"]
    again = {(c["problem"], c["solver"], c["threads"]) for c in after["cells"]}
    kept = [c for c in before["cells"] if (c["problem"], c["solver"], c["threads"]) not in again]
    for cell in kept:
        for run in cell["targets"].values():
            run["wall"] *= speed
            run["cpu"] *= speed
    return {**after, "cells": kept + after["cells"]}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("new", type=Path)
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument(
        "--threshold",
        type=float,
        default=THRESHOLD,
        help="ratio from which a timing counts as slower",
    )
    parser.add_argument("--all", action="store_true", help="report the peers' changes too")
    parser.add_argument("--store", action="store_true", help="make this the record")
    given = parser.parse_args(arguments)
    new = read(given.new)
    code = report(given, new) if given.record.is_file() else 0
    if not given.record.is_file():
        print(f"no record at {given.record}: nothing to compare with")
    if given.store:
        stored = json.loads(given.new.read_text())
        if given.record.is_file() and "cells" in stored:
            stored = merge(json.loads(given.record.read_text()), stored)
        given.record.write_text(json.dumps(stored, indent=1) + "\n")
        print(f"stored as {given.record}")
    return code


def report(given: argparse.Namespace, new: Timings) -> int:
    old = read(given.record)
    relevant = [c for c in changes(old, new) if given.all or is_ours(c.name)]
    print(
        f"machine: {new.calibration / old.calibration:.2f} of the record's time for the same "
        "fixed work; the record's seconds are scaled by that"
    )
    slower = [c for c in relevant if c.is_slower(given.threshold)]
    for change in relevant:
        mark = "SLOWER" if change in slower else ""
        print(
            f"{change.name:60s} {change.before:9.4g} s -> {change.after:9.4g} s  "
            f"x{change.ratio:.2f} {mark}"
        )
    gone = [
        name
        for name in lost(old, new, {_problem(n) for n in new.seconds})
        if given.all or is_ours(name)
    ]
    for name in gone:
        print(f"{name:60s} no longer reached")
    print(
        f"{len(relevant)} compared, {len(slower)} slower than x{given.threshold:g}, "
        f"{len(gone)} lost"
    )
    return 1 if [c for c in slower if is_ours(c.name)] or [n for n in gone if is_ours(n)] else 0


if __name__ == "__main__":
    sys.exit(main())
