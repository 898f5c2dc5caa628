"""Cycloid, through the one function on which all its estimators stand."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from bench.peers.base import Peer, Solution, needs
from bench.problems import Problem


def prepare(problem: Problem, n_threads: int) -> tuple[Problem, int]:
    return problem, n_threads


def solve(data: tuple[Problem, int], tol: float) -> Solution:
    from cycloid import _core

    problem, n_threads = data
    found = _core.solve_glm_path(
        problem.X,
        problem.y,
        None,
        loss=problem.loss,
        alphas=problem.alphas,
        n_alphas=len(problem.alphas),
        eps=1e-3,
        l1_ratio=problem.l1_ratio,
        penalty_weights=None,
        positive=False,
        fit_intercept=False,
        standardize=False,
        coef_init=None,
        intercept_init=0.0,
        rtol=tol,
        atol=0.0,
        max_iter=100_000,
        gram="auto",
        seed=-1,
        n_threads=n_threads,
        time_limit=np.inf,
        observer=None,
    )
    shape = (problem.X.shape[1], len(problem.alphas))
    return Solution(sparse.csc_matrix((found["data"], found["indices"], found["indptr"]), shape))


PEERS = [Peer("cycloid", lambda problem: True, prepare, solve, needs("cycloid"))]
