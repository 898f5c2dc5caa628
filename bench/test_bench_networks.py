"""Convex programs of ReLU networks: CPU seconds to the same accuracy of objective and cones."""

from __future__ import annotations

import time

import pytest

from bench import peers, suite
from bench.networks import PROBLEMS, Problem

pytestmark = pytest.mark.benchmark(timer=time.process_time)


@pytest.mark.parametrize("target", Problem.targets, ids=str)
@pytest.mark.parametrize("solver", [p.name for a in peers.NETWORKS for p in a.PEERS])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_program(benchmark, problem: str, solver: str, target: float) -> None:
    suite.measure(benchmark, problem, solver, target)
