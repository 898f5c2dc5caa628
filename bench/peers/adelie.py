"""adelie: pivot screening and coordinate descent.

Three forms: a short path down to the alpha asked for, that alpha alone ("cold", better for a few
easy problems and far worse for hard ones), and a path on the Gram matrix.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from bench.linear import Problem
from bench.peers.base import Peer, Solution, needs, path_to

MAX_GRAM_COLUMNS = 2_000
PATH_OPTIONS: dict[str, Any] = {"early_exit": False, "progress_bar": False, "max_iters": 10_000_000}


class Data(NamedTuple):
    problem: Problem
    X: Any
    alphas: np.ndarray
    n_threads: int


def prepare(problem: Problem, n_threads: int) -> Data:
    import adelie as ad

    make = ad.matrix.sparse if problem.is_sparse else ad.matrix.dense
    return Data(
        problem, make(problem.X, method="naive", n_threads=n_threads), path_to(problem), n_threads
    )


def solve(data: Data, tol: float) -> Solution:
    import adelie as ad

    problem = data.problem
    options: dict[str, Any] = {}
    if problem.loss == "squared":
        glm = ad.glm.gaussian(problem.y)
    else:
        glm = ad.glm.binomial(np.where(problem.y > 0, 1.0, 0.0))
        options["irls_tol"] = tol
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = ad.grpnet(
            data.X,
            glm,
            alpha=problem.l1_ratio,
            lmda_path=data.alphas,
            tol=tol,
            intercept=False,
            adev_tol=1.0,
            n_threads=data.n_threads,
            **options,
            **PATH_OPTIONS,
        )
    return _solution(state, data)


def prepare_cold(problem: Problem, n_threads: int) -> Data:
    return prepare(problem, n_threads)._replace(alphas=problem.alphas)


def prepare_gram(problem: Problem, n_threads: int) -> Data:
    return Data(problem, problem.X, path_to(problem), n_threads)


def solve_gram(data: Data, tol: float) -> Solution:
    """The Gram matrix is part of the work, as it is for scikit-learn's."""
    import adelie as ad

    problem = data.problem
    n = len(problem.y)
    gram = np.asfortranarray(data.X.T @ data.X / n)
    state = ad.gaussian_cov(
        ad.matrix.dense(gram, method="cov", n_threads=data.n_threads),
        data.X.T @ problem.y / n,
        alpha=problem.l1_ratio,
        lmda_path=data.alphas,
        tol=tol,
        rdev_tol=0.0,
        n_threads=data.n_threads,
        **PATH_OPTIONS,
    )
    return _solution(state, data)


def _solution(state, data: Data) -> Solution:
    found = state.betas.shape[0]
    if found != len(data.alphas):
        raise RuntimeError(f"adelie stopped after {found} of {len(data.alphas)} values")
    return Solution(state.betas[-len(data.problem.alphas) :].T.tocsc())


def _one_value(problem: Problem) -> bool:
    return problem.l1_ratio > 0.0 and not problem.is_path


def _few_columns(problem: Problem) -> bool:
    return (
        problem.loss == "squared"
        and problem.l1_ratio > 0.0
        and not problem.is_sparse
        and problem.X.shape[1] <= MAX_GRAM_COLUMNS
    )


PEERS = [
    Peer("adelie", lambda problem: problem.l1_ratio > 0.0, prepare, solve, needs("adelie")),
    Peer("adelie-cold", _one_value, prepare_cold, solve, needs("adelie")),
    Peer("adelie-gram", _few_columns, prepare_gram, solve_gram, needs("adelie")),
]
