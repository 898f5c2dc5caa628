"""The comparison with the stored record, on made-up measurements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import compare
from bench.cell import Cell, Run
from bench.record import Record


def write(path: Path, seconds: dict[str, float], calibration: float = 0.1) -> Path:
    cells = [
        Cell("lasso-D1-10", solver, 1, targets={"1e-06": Run(1e-6, s, s, 5e-7, 12)})
        for solver, s in seconds.items()
    ]
    Record({"calibration": calibration, "threads": 1}, cells).save(path)
    return path


@pytest.mark.parametrize(
    ("before", "after", "calibration", "code"),
    [
        (1.0, 1.1, 0.1, 0),  # within the threshold
        (1.0, 1.5, 0.1, 1),
        (1.0, 1.5, 0.15, 0),  # the machine is slower, not we
        (1.0, 1.1, 0.05, 1),  # a faster machine must not hide it
        (0.001, 0.002, 0.1, 0),  # a millisecond is noise
    ],
)
def test_exit_code(tmp_path, before, after, calibration, code) -> None:
    record = write(tmp_path / "record.json", {"cycloid": before})
    new = write(tmp_path / "new.json", {"cycloid": after}, calibration)
    assert compare.main([str(new), "--record", str(record)]) == code


def test_peers_do_not_fail_us(tmp_path, capsys) -> None:
    record = write(tmp_path / "record.json", {"cycloid": 1.0, "celer": 1.0})
    new = write(tmp_path / "new.json", {"cycloid": 1.0, "celer": 9.0})
    assert compare.main([str(new), "--record", str(record), "--all"]) == 0
    assert "SLOWER" in capsys.readouterr().out


def test_lost_accuracy_fails(tmp_path) -> None:
    record = write(tmp_path / "record.json", {"cycloid": 1.0, "celer": 1.0})
    new = write(tmp_path / "new.json", {"celer": 1.0})
    assert compare.main([str(new), "--record", str(record)]) == 1


def test_store_keeps_what_was_not_run_again(tmp_path) -> None:
    record = write(tmp_path / "record.json", {"cycloid": 1.0, "celer": 2.0})
    new = write(tmp_path / "new.json", {"cycloid": 0.5}, calibration=0.2)
    compare.main([str(new), "--record", str(record), "--store"])
    stored = compare.read(record)
    assert stored.calibration == 0.2
    assert sorted(stored.seconds.values()) == [0.5, 4.0]  # celer's, as if on the new machine


def test_reads_pytest_benchmark(tmp_path) -> None:
    facts = {
        "problem": "lasso-D1-10",
        "target": "1e-06",
        "solver": "cycloid",
        "threads": 1,
        "calibration": 0.1,
    }
    new = tmp_path / "new.json"
    new.write_text(json.dumps({"benchmarks": [{"extra_info": facts, "stats": {"median": 3.0}}]}))
    record = write(tmp_path / "record.json", {"cycloid": 1.0})
    assert compare.read(new).seconds.keys() == compare.read(record).seconds.keys()
    assert compare.main([str(new), "--record", str(record)]) == 1
