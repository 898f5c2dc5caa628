"""Logistic regression, sparse or ridge-penalised: CPU seconds to the same accuracy."""

from __future__ import annotations

import time

import pytest

from bench import suite
from bench.linear import Problem

SPARSE = [
    f"l1logistic-{data}-100"
    for data in ("D1", "S1", "T1", "leukemia", "news20", "sector", "reuters", "a9a", "phishing")
]
RIDGE = [f"l2logistic-{data}" for data in ("S1", "T1", "news20", "a9a", "phishing")]

pytestmark = pytest.mark.benchmark(timer=time.process_time)


@pytest.mark.parametrize("target", Problem.targets, ids=str)
@pytest.mark.parametrize(
    "solver",
    ["cycloid", "skglm", "celer", "adelie", "liblinear", "sklearn-liblinear", "sklearn-saga"],
)
@pytest.mark.parametrize("problem", SPARSE)
def test_l1(benchmark, problem: str, solver: str, target: float) -> None:
    suite.measure(benchmark, problem, solver, target)


@pytest.mark.parametrize("target", Problem.targets, ids=str)
@pytest.mark.parametrize(
    "solver",
    [
        "cycloid",
        "snapml",
        "liblinear-primal",
        "liblinear-dual",
        "sklearn-newton-cg",
        "sklearn-lbfgs",
    ],
)
@pytest.mark.parametrize("problem", RIDGE)
def test_l2(benchmark, problem: str, solver: str, target: float) -> None:
    suite.measure(benchmark, problem, solver, target)


@pytest.mark.parametrize("target", Problem.targets, ids=str)
@pytest.mark.parametrize("problem", ["l2logistic-T1", "l2logistic-a9a", "l2logistic-phishing"])
def test_l2_few_columns(benchmark, problem: str, target: float) -> None:
    suite.measure(benchmark, problem, "sklearn-newton-cholesky", target)
