"""What the table says of made-up measurements."""

from __future__ import annotations

import pytest

from bench import table
from bench.cell import Cell, Run
from bench.record import Record


def cell(solver: str, seconds: dict[str, float], **outcome) -> Cell:
    targets = {target: Run(1e-6, s, s, 5e-7, 12) for target, s in seconds.items()}
    return Cell("ot-lap-500", solver, 1, targets=targets, **outcome)


def rows(cells: list[Cell], targets=None) -> list[list[str]]:
    lines = table.markdown(Record({}, cells), targets, "cpu").splitlines()[2:]
    return [[part.strip() for part in line.strip("|").split("|")] for line in lines]


CELLS = [
    cell("cycloid", {"1e-06": 1.0, "1e-09": 2.0, "1e-12": 3.0}),
    cell("pot", {"1e-06": 8.0}, status="missed", reason="error 2e+00"),
    cell("mdot-tnt", {"1e-06": 4.0, "1e-09": 20.0}, status="timeout", best=3e-10),
    cell("ott", {}, status="missed", reason="nan"),
    cell("geomloss", {}, status="timeout"),
    cell("regot-ssns", {}, status="error", reason="RuntimeError: step: too small"),
    cell("regot-splr", {}, status="skipped", reason="not installed: regot"),
    cell("emd", {"1e-06": 6.0, "1e-09": 6.0, "1e-12": 6.0}),
]


def test_failures_are_shown_as_failures() -> None:
    first, second, third, _ = rows(CELLS)
    assert first[:4] == ["ot-lap-500", "1e-06", "1", "mdot-tnt 4"]
    always = "ott - (nan), geomloss - (timeout), regot-ssns - (RuntimeError)"
    assert first[4:] == [f"pot 8, {always}", "0.25"]
    assert second[3:] == ["mdot-tnt 20", f"pot - (error 2e+00), {always}", "0.10"]
    late = "pot - (error 2e+00), mdot-tnt - (timeout, error 3e-10)"
    assert third[3:] == ["-", f"{late}, {always}", "-"]


def test_exact_solvers_are_no_rivals_but_have_a_row() -> None:
    *others, last = rows(CELLS)
    assert not any("emd" in part for row in others for part in row)
    assert last == ["ot-lap-500", "exact", "3", "emd 6", "", "0.50"]


def test_our_own_failure_has_a_reason() -> None:
    failed = cell("cycloid", {}, status="missed", reason="error 1e-03")
    assert rows([failed], (1e-6,)) == [["ot-lap-500", "1e-06", "- (error 1e-03)", "-", "", "-"]]


@pytest.mark.parametrize("targets", [None, (1e-6, 1e-9)])
def test_targets_are_the_familys_or_those_asked_for(targets) -> None:
    shown = [row[1] for row in rows(CELLS, targets)]
    assert shown == ["1e-06", "1e-09", *(["1e-12"] if targets is None else []), "exact"]
