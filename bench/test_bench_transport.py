"""Entropic optimal transport: CPU seconds to the same L1 error of the marginals."""

from __future__ import annotations

import time

import pytest

from bench import peers, suite
from bench.transport import PROBLEMS, Points, Problem

SOLVERS = [p.name for adapter in peers.TRANSPORT for p in adapter.PEERS if not p.is_limit]
MATRICES = [name for name, entry in PROBLEMS.items() if entry.kind is Problem]
CLOUDS = [name for name, entry in PROBLEMS.items() if entry.kind is Points]

pytestmark = pytest.mark.benchmark(timer=time.process_time)


@pytest.mark.parametrize("target", Problem.targets, ids=str)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("problem", MATRICES)
def test_matrix(benchmark, problem: str, solver: str, target: float) -> None:
    suite.measure(benchmark, problem, solver, target)


@pytest.mark.parametrize("problem", MATRICES)
def test_exact(benchmark, problem: str) -> None:
    """The linear program, whose plan has exact marginals: one timing stands for every target."""
    suite.measure(benchmark, problem, "emd", min(Problem.targets))


@pytest.mark.parametrize("target", Points.targets, ids=str)
@pytest.mark.parametrize("problem", CLOUDS)
def test_points(benchmark, problem: str, target: float) -> None:
    suite.measure(benchmark, problem, "cycloid", target, timeout=1_200.0)
