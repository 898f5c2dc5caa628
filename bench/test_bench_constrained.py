"""Problems with equality constraints: CPU seconds to the same violation of optimality."""

from __future__ import annotations

import time

import pytest

from bench import peers, suite
from bench.constrained import PROBLEMS, Problem

pytestmark = pytest.mark.benchmark(timer=time.process_time)


@pytest.mark.parametrize("target", Problem.targets, ids=str)
@pytest.mark.parametrize("solver", [p.name for a in peers.CONSTRAINED for p in a.PEERS])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_constrained(benchmark, problem: str, solver: str, target: float) -> None:
    suite.measure(benchmark, problem, solver, target)
