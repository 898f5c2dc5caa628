"""Lasso paths of 100 values: CPU seconds to the same accuracy of the worst value."""

from __future__ import annotations

import time

import pytest

from bench import suite
from bench.linear import Problem

pytestmark = pytest.mark.benchmark(timer=time.process_time)


@pytest.mark.parametrize("target", Problem.targets, ids=str)
@pytest.mark.parametrize("solver", ["cycloid", "sklearn", "celer", "skglm", "adelie"])
@pytest.mark.parametrize("problem", ["path-S1", "path-T1"])
def test_path(benchmark, problem: str, solver: str, target: float) -> None:
    suite.measure(benchmark, problem, solver, target)


@pytest.mark.parametrize("target", Problem.targets, ids=str)
def test_path_gram(benchmark, target: float) -> None:
    suite.measure(benchmark, "path-T1", "adelie-gram", target)
