"""Snap ML (closed source): its dual coordinate descent for ridge-penalised logistic regression."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from bench.linear import Problem
from bench.peers.base import Peer, Solution, is_l2_logistic, needs


class Data(NamedTuple):
    problem: Problem
    X: Any
    n_threads: int


def prepare(problem: Problem, n_threads: int) -> Data:
    X = problem.X.tocsr() if problem.is_sparse else np.ascontiguousarray(problem.X)
    return Data(problem, X, n_threads)


def solve(data: Data, tol: float) -> Solution:
    import snapml

    model = snapml.LogisticRegression(
        regularizer=1.0 / data.problem.cost,
        penalty="l2",
        dual=True,
        fit_intercept=False,
        tol=tol,
        max_iter=1_000_000,
        n_jobs=data.n_threads,
        random_state=0,
    )
    return Solution(model.fit(data.X, data.problem.y).coef_.ravel())


PEERS = [Peer("snapml", is_l2_logistic, prepare, solve, needs("snapml"))]
