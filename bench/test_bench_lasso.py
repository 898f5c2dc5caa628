"""Lasso and elastic net at one alpha: CPU seconds to the same accuracy."""

from __future__ import annotations

import time

import pytest

from bench import suite
from bench.linear import Problem

SOLVERS = ["cycloid", "sklearn", "celer", "skglm", "adelie", "adelie-cold"]
WIDE = [
    "lasso-D1-10",
    "lasso-D1-100",
    "lasso-S1-10",
    "lasso-S1-100",
    "enet-D1-100",
    "lasso-leukemia-100",
    "lasso-riboflavin-100",
    "enet-riboflavin-100",
    "lasso-news20-100",
]
FEW_COLUMNS = ["lasso-T1-100", "lasso-T1-1000", "lasso-diab3-1000"]

pytestmark = pytest.mark.benchmark(timer=time.process_time)


@pytest.mark.parametrize("target", Problem.targets, ids=str)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("problem", WIDE)
def test_wide(benchmark, problem: str, solver: str, target: float) -> None:
    suite.measure(benchmark, problem, solver, target)


@pytest.mark.parametrize("target", Problem.targets, ids=str)
@pytest.mark.parametrize("solver", [*SOLVERS, "sklearn-gram", "adelie-gram"])
@pytest.mark.parametrize("problem", FEW_COLUMNS)
def test_few_columns(benchmark, problem: str, solver: str, target: float) -> None:
    suite.measure(benchmark, problem, solver, target)
