"""scikit-learn: coordinate descent (plain and with a Gram matrix) and its logistic solvers."""

from __future__ import annotations

import functools
import warnings
from typing import NamedTuple

from bench.linear import Problem
from bench.peers.base import Peer, Solution, is_l1_logistic, is_l2_logistic, needs

MAX_GRAM_COLUMNS = 2_000  # a larger Gram matrix is nothing that a user would ask for
UNLIMITED = 10_000_000


class Data(NamedTuple):
    problem: Problem
    X: object
    linear_model: object


def prepare(problem: Problem, n_threads: int) -> Data:
    from sklearn import linear_model

    return Data(problem, problem.X, linear_model)


def prepare_rows(problem: Problem, n_threads: int) -> Data:
    """The logistic solvers take CSR."""
    data = prepare(problem, n_threads)
    return data._replace(X=problem.X.tocsr()) if problem.is_sparse else data


def _quiet(function):
    @functools.wraps(function)
    def wrapped(*args):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*args)

    return wrapped


def _descend(gram, data: Data, tol: float) -> Solution:
    problem = data.problem
    if problem.is_path:
        # "auto" is enet_path's own default: a Gram matrix where n > p and X is dense
        _, coefs, _ = data.linear_model.enet_path(
            data.X,
            problem.y,
            l1_ratio=problem.l1_ratio,
            alphas=problem.alphas,
            precompute="auto" if gram is None else gram,
            tol=tol,
            max_iter=UNLIMITED,
        )
        return Solution(coefs)
    options = {
        "alpha": problem.alpha,
        "fit_intercept": False,
        "precompute": bool(gram),
        "tol": tol,
        "max_iter": UNLIMITED,
    }
    if problem.l1_ratio == 1.0:
        model = data.linear_model.Lasso(**options)
    else:
        model = data.linear_model.ElasticNet(l1_ratio=problem.l1_ratio, **options)
    return Solution(model.fit(data.X, problem.y).coef_)


def _logistic(solver: str, data: Data, tol: float) -> Solution:
    problem = data.problem
    model = data.linear_model.LogisticRegression(
        C=problem.cost,
        l1_ratio=problem.l1_ratio,
        solver=solver,
        tol=tol,
        fit_intercept=False,
        max_iter=1_000_000,
        random_state=0,
    )
    return Solution(model.fit(data.X, problem.y).coef_.ravel())


def _is_least_squares(problem: Problem) -> bool:
    return problem.loss == "squared" and problem.l1_ratio > 0.0


def _gram_helps(problem: Problem) -> bool:
    return (
        _is_least_squares(problem)
        and not problem.is_sparse
        and not problem.is_path
        and problem.X.shape[1] <= MAX_GRAM_COLUMNS
    )


def _few_columns(problem: Problem) -> bool:
    return is_l2_logistic(problem) and problem.X.shape[1] <= MAX_GRAM_COLUMNS


def _peer(name, supports, solve, prepare=prepare) -> Peer:
    return Peer(name, supports, prepare, _quiet(solve), needs("sklearn"))


PEERS = [
    _peer("sklearn", _is_least_squares, functools.partial(_descend, None)),
    _peer("sklearn-gram", _gram_helps, functools.partial(_descend, True)),
    _peer(
        "sklearn-liblinear", is_l1_logistic, functools.partial(_logistic, "liblinear"), prepare_rows
    ),
    _peer("sklearn-saga", is_l1_logistic, functools.partial(_logistic, "saga"), prepare_rows),
    _peer("sklearn-lbfgs", is_l2_logistic, functools.partial(_logistic, "lbfgs"), prepare_rows),
    _peer(
        "sklearn-newton-cg", is_l2_logistic, functools.partial(_logistic, "newton-cg"), prepare_rows
    ),
    _peer(
        "sklearn-newton-cholesky",
        _few_columns,
        functools.partial(_logistic, "newton-cholesky"),
        prepare_rows,
    ),
]
