"""SciPy's trust-constr and SLSQP."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import NonlinearConstraint, minimize

from bench import constrained
from bench.constrained import FiniteSum, Problem, Solution
from bench.peers.base import Peer, needs

_MAX_ITER = 2_000
_MOST_UNKNOWNS = 600  # for SLSQP, whose matrices are dense


def prepare(problem: Problem, n_threads: int) -> Problem:
    return problem


def trust_constr(problem: Problem, tol: float) -> Solution:
    """Hessians of sums as products, which are quicker for it; sparse matrices elsewhere."""
    derivatives: dict[str, Any] = {"hess": problem.objective_hessian}
    if isinstance(problem, FiniteSum):
        derivatives = {"hessp": functools.partial(_product, problem)}
    constraint = NonlinearConstraint(
        problem.constraints,
        0,
        0,
        jac=problem.jacobian,
        hess=lambda x, v: sparse.csc_array(problem.constraint_hessian(x, v)),
    )
    options = {"gtol": tol, "xtol": 1e-16, "maxiter": _MAX_ITER}
    return _minimize(problem, "trust-constr", constraint, options, **derivatives)


def _product(problem: FiniteSum, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    return problem.X.T @ (problem.curvatures(x) * (problem.X @ v)) + problem.ridge * v


def slsqp(problem: Problem, tol: float) -> Solution:
    def dense_jacobian(x: np.ndarray) -> np.ndarray:
        matrix = problem.jacobian(x)
        return matrix.toarray() if sparse.issparse(matrix) else matrix

    constraint = {"type": "eq", "fun": problem.constraints, "jac": dense_jacobian}
    # Its tolerance is of the objective, whose error is about the square of the violation.
    options = {"ftol": tol**2, "maxiter": _MAX_ITER}
    return _minimize(problem, "SLSQP", constraint, options)


def _minimize(
    problem: Problem, method: str, constraint: Any, options: dict[str, Any], **derivatives: Any
) -> Solution:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = minimize(
            problem.objective,
            problem.start,
            jac=problem.gradient,
            method=method,
            constraints=constraint if problem.m else (),
            options=options,
            **derivatives,
        )
    return Solution(found.x)


def _supports(problem: Any) -> bool:
    return isinstance(problem, constrained.Problem) and problem.m > 0


def _is_small(problem: Any) -> bool:
    return _supports(problem) and problem.n <= _MOST_UNKNOWNS


PEERS = [
    Peer("trust-constr", _supports, prepare, trust_constr, needs("scipy")),
    Peer("slsqp", _is_small, prepare, slsqp, needs("scipy")),
]
