"""celer: working sets with dual extrapolation."""

from __future__ import annotations

import warnings

from bench.linear import Problem
from bench.peers.base import Peer, Solution, is_l1_logistic, needs

LIMITS = {"max_iter": 10_000, "max_epochs": 1_000_000}


def supports(problem: Problem) -> bool:
    return is_l1_logistic(problem) or (problem.loss == "squared" and problem.l1_ratio > 0.0)


def prepare(problem: Problem, n_threads: int) -> Problem:
    return problem


def solve(problem: Problem, tol: float) -> Solution:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Solution(_path(problem, tol) if problem.is_path else _fit(problem, tol))


def _path(problem: Problem, tol: float):
    import celer

    _, coefs, _ = celer.celer_path(
        problem.X,
        problem.y,
        "lasso",
        alphas=problem.alphas,
        l1_ratio=problem.l1_ratio,
        tol=tol,
        prune=True,
        **LIMITS,
    )
    return coefs


def _fit(problem: Problem, tol: float):
    import celer

    options = {"tol": tol, "fit_intercept": False, **LIMITS}
    if problem.loss == "logistic":
        model = celer.LogisticRegression(C=problem.cost, **options)
    elif problem.l1_ratio == 1.0:
        model = celer.Lasso(alpha=problem.alpha, **options)
    else:
        model = celer.ElasticNet(alpha=problem.alpha, l1_ratio=problem.l1_ratio, **options)
    return model.fit(problem.X, problem.y).coef_.ravel()


PEERS = [Peer("celer", supports, prepare, solve, needs("celer"))]
