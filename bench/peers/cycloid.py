"""Cycloid: linear models, finite sums and convex programs of networks through the functions of the
core on which its estimators stand, the rest through its public functions."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from bench import constrained, graphs, linear, networks, transport
from bench.base import Problem
from bench.peers.base import Peer, Solution, needs


def prepare(problem: Problem, n_threads: int) -> Callable[[float], Any]:
    if isinstance(problem, linear.Problem):
        return functools.partial(_linear, problem, n_threads)
    if isinstance(problem, networks.Problem):
        return functools.partial(solve_network, problem, n_threads, "auto")
    if isinstance(problem, graphs.Problem):
        return functools.partial(_harmonic, problem)
    if isinstance(problem, transport.Points):
        return functools.partial(_points, problem, n_threads)
    if isinstance(problem, constrained.FiniteSum):
        return functools.partial(_constrained_sum if problem.m else _ridge, problem, n_threads)
    if isinstance(problem, constrained.Problem):
        return functools.partial(_equalities, problem, n_threads)
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


def solve_network(
    problem: networks.Problem, n_threads: int, method: Any, tol: float
) -> networks.Solution:
    return networks.Solution(network(problem, n_threads, method, tol)["v"])


def network(problem: networks.Problem, n_threads: int, method: Any, tol: float) -> dict[str, Any]:
    """What the core returns for the convex program."""
    from cycloid import _core

    return _core.relu_solve(
        problem.X,
        np.asfortranarray(problem.y[:, None]),
        None,
        loss="squared",
        parameter=0.0,
        patterns=problem.active,
        generators=problem.generators,
        block_pattern=[b // 2 for b in range(2 * problem.active.shape[1])],
        directions=problem.signs[None, :],
        alpha=problem.alpha,
        intercept=False,
        gated=False,
        method=method,
        tol=tol,
        max_iter=1_000_000,
        warm=None,
        seed=0,
        n_threads=n_threads,
        time_limit=np.inf,
        observer=None,
    )


def _harmonic(problem: graphs.Problem, tol: float) -> graphs.Solution:
    from cycloid.semi_supervised import harmonic_function

    labels = np.where(problem.y[:, None] < 0, np.nan, problem.labels)
    return graphs.Solution(harmonic_function(problem.W, labels, tol=tol).values)


def _constrained_sum(
    problem: constrained.FiniteSum, n_threads: int, tol: float
) -> constrained.Solution:
    from cycloid import _core

    found = _core.constrained_sum(
        problem.X,
        problem.y,
        None,
        loss="logistic",
        outputs=1,
        ridge=problem.ridge,
        intercept=False,
        A=problem.A,
        b=problem.b,
        squared_norm=None if problem.norm is None else problem.norm**2,
        quadratics=[],
        start=problem.start,
        tol=tol,
        max_iter=1000,
        seed=0,
        n_threads=n_threads,
        time_limit=np.inf,
        observer=None,
    )
    return constrained.Solution(found["point"])


def _ridge(problem: constrained.FiniteSum, n_threads: int, tol: float) -> constrained.Solution:
    from cycloid import _core

    found = _core.newton_sketch(
        problem.X,
        problem.y,
        None,
        loss="logistic",
        outputs=1,
        ridge=problem.ridge,
        intercept=False,
        start=None,
        gradient_tol=tol,
        gap_tol=0.0,
        max_iter=1000,
        seed=0,
        n_threads=n_threads,
        time_limit=np.inf,
        observer=None,
    )
    return constrained.Solution(found["point"])


def _equalities(problem: constrained.Problem, n_threads: int, tol: float) -> constrained.Solution:
    from scipy.optimize import NonlinearConstraint

    from cycloid.optimize import minimize

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = minimize(
            problem.objective,
            problem.start,
            jac=problem.gradient,
            hess=problem.objective_hessian,
            constraints=NonlinearConstraint(
                problem.constraints, 0, 0, jac=problem.jacobian, hess=problem.constraint_hessian
            ),
            tol=tol,
            n_threads=n_threads,
        )
    return constrained.Solution(found.x)


PEERS = [Peer("cycloid", lambda problem: True, prepare, solve, needs("cycloid"))]
