"""What the pytest-benchmark suites share: find the tolerance, then measure that one call."""

from __future__ import annotations

import functools

import pytest
from threadpoolctl import threadpool_limits

from bench import cell, peers, problems, record

THREADS = 1
TIMEOUT = 60.0  # CPU seconds to find the tolerances of one solver on one problem


@functools.cache
def calibration() -> float:
    return record.calibrate()


@functools.cache
def reached(problem: str, solver: str, timeout: float) -> cell.Cell:
    """Walks the ladder in another process, where a time-out can end it."""
    return cell.run(problem, solver, THREADS, timeout=timeout, repeats=0)


def measure(benchmark, problem: str, solver: str, target: float, timeout: float = TIMEOUT) -> None:
    """One row: ``solver`` at the loosest tolerance with which it reaches ``target``."""
    try:
        loaded = problems.load(problem)
    except problems.Unavailable as reason:
        pytest.skip(str(reason))
    found = reached(problem, solver, timeout)
    run = found.targets.get(cell.key(target))
    if run is None:
        pytest.skip(f"{solver}: {found.reason}")
    peer = peers.all_peers()[solver]
    describe(benchmark, problem, cell.key(target), solver)
    with threadpool_limits(THREADS):
        cell.warm_up(peer, loaded, THREADS)
        data = peer.prepare(loaded, THREADS)
        rounds = cell.number_of_runs(run.cpu)
        solution = benchmark.pedantic(
            peer.solve,
            args=(data, run.tol),
            rounds=rounds,
            warmup_rounds=1 if rounds == cell.REPEATS else 0,
        )
        peer.close(data)
    verdict = loaded.judge()(solution)
    benchmark.extra_info.update(tol=run.tol, **verdict._asdict())
    assert verdict.accuracy <= 1.5 * target  # solvers with threads or clocks may differ a little


def describe(benchmark, problem: str, what: str, solver: str) -> None:
    """The names by which ``bench.compare`` knows a row; to be called before the measurement."""
    benchmark.group = f"{problem} | {what}"
    benchmark.extra_info.update(
        problem=problem, target=what, solver=solver, threads=THREADS, calibration=calibration()
    )
