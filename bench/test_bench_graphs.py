"""Label propagation on graphs: CPU seconds to the same largest error."""

from __future__ import annotations

import time

import pytest

from bench import peers, suite
from bench.graphs import PROBLEMS, Problem

pytestmark = pytest.mark.benchmark(timer=time.process_time)


@pytest.mark.parametrize("target", Problem.targets, ids=str)
@pytest.mark.parametrize("solver", [p.name for a in peers.GRAPHS for p in a.PEERS])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_graph(benchmark, problem: str, solver: str, target: float) -> None:
    suite.measure(benchmark, problem, solver, target)
