"""Cycloid: linear models through the one function on which all its estimators stand, transport
through its public functions."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from bench import linear, transport
from bench.base import Problem
from bench.peers.base import Peer, Solution, needs


def prepare(problem: Problem, n_threads: int) -> Callable[[float], Any]:
    if isinstance(problem, linear.Problem):
        return functools.partial(_linear, problem, n_threads)
    if isinstance(problem, transport.Points):
        return functools.partial(_points, problem, n_threads)
    return functools.partial(_transport, problem, n_threads)


def solve(call: Callable[[float], Any], tol: float) -> Any:
    return call(tol)


def _linear(problem: linear.Problem, n_threads: int, tol: float) -> Solution:
    from cycloid import _core

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


def _transport(problem: transport.Problem, n_threads: int, tol: float) -> transport.Solution:
    from cycloid import ot

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = ot.solve(
            problem.a,
            problem.b,
            problem.M,
            problem.reg,
            tol=tol,
            max_iter=1_000_000,
            n_threads=n_threads,
        )
    return transport.Solution(f=found.f, g=found.g)


def _points(problem: transport.Points, n_threads: int, tol: float) -> transport.Solution:
    from cycloid import ot

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = ot.solve_points(
            problem.X,
            problem.Y,
            problem.a,
            problem.b,
            problem.reg,
            cost="sqeuclidean",
            tol=tol,
            n_threads=n_threads,
        )
    return transport.Solution(f=found.f, g=found.g)


PEERS = [Peer("cycloid", lambda problem: True, prepare, solve, needs("cycloid"))]
