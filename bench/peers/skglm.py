"""skglm: working sets with Anderson acceleration, prox-Newton for the logistic loss.

Its tolerance is absolute, on the violation of the optimality conditions: the ladder is multiplied
by alpha_max so that its first step asks for little and its last for all.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

from bench import linear
from bench.linear import Problem
from bench.peers.base import Peer, Solution, is_l1_logistic, needs


class Data(NamedTuple):
    problem: Problem
    unit: float


def supports(problem: Problem) -> bool:
    return is_l1_logistic(problem) or (problem.loss == "squared" and problem.l1_ratio > 0.0)


def prepare(problem: Problem, n_threads: int) -> Data:
    return Data(problem, linear.alpha_max(problem.X, problem.y, problem.loss, 1.0))


def solve(data: Data, tol: float) -> Solution:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Solution(_fit(data.problem, tol * data.unit))


def _fit(problem: Problem, tol: float):
    import skglm

    limits = {"max_iter": 1_000, "max_epochs": 100_000}
    options = {"tol": tol, "fit_intercept": False, **limits}
    if problem.loss == "logistic":
        # its working-set loop starts anew at each of max_iter, max_epochs bounds the Newton steps
        model = skglm.SparseLogisticRegression(alpha=problem.alpha, **options)
    elif problem.is_path:
        model = skglm.Lasso(**options)
        return model.path(problem.X, problem.y, problem.alphas)[1]
    elif problem.l1_ratio == 1.0:
        model = skglm.Lasso(alpha=problem.alpha, **options)
    else:
        model = skglm.ElasticNet(alpha=problem.alpha, l1_ratio=problem.l1_ratio, **options)
    return model.fit(problem.X, problem.y).coef_.ravel()


PEERS = [Peer("skglm", supports, prepare, solve, needs("skglm"))]
