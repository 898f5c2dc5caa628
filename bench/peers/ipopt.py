"""IPOPT with exact derivatives, through cyipopt (``pip install cyipopt-wheels``)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from bench import constrained
from bench.constrained import Problem, Solution
from bench.peers.base import Peer, needs

_NO_BOUND = 1e20


class Callbacks:
    """A problem in IPOPT's form: matrices by the entries of one structure, the Hessian's lower
    triangle."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        x = problem.start
        self.iterations = 0
        y = np.ones(problem.m)
        pattern = abs(problem.objective_hessian(x)) + abs(problem.constraint_hessian(x, y))
        self._hessian = _structure(_lower(pattern), lower=True)
        self._jacobian = _structure(problem.jacobian(x))

    def objective(self, x: np.ndarray) -> float:
        return self.problem.objective(x)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        return self.problem.gradient(x)

    def constraints(self, x: np.ndarray) -> np.ndarray:
        return self.problem.constraints(x)

    def jacobianstructure(self) -> Any:
        return self._jacobian

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        return _entries(self.problem.jacobian(x), self._jacobian)

    def hessianstructure(self) -> Any:
        return self._hessian

    def hessian(self, x: np.ndarray, y: np.ndarray, factor: float) -> np.ndarray:
        problem = self.problem
        whole = factor * problem.objective_hessian(x)
        if problem.m:
            whole = whole + problem.constraint_hessian(x, y)
        return _entries(_lower(whole), self._hessian)

    def intermediate(self, algorithm: int, iteration: int, *more: Any) -> bool:
        self.iterations = iteration
        return True


def _lower(matrix: Any) -> Any:
    return sparse.tril(matrix, format="csc") if sparse.issparse(matrix) else matrix


def _structure(matrix: Any, lower: bool = False) -> Any:
    if sparse.issparse(matrix):
        return sparse.coo_array(matrix.tocsc()).coords
    return np.tril_indices(len(matrix)) if lower else np.indices(matrix.shape).reshape(2, -1)


def _entries(matrix: Any, structure: Any) -> np.ndarray:
    if not sparse.issparse(matrix):
        return np.asarray(matrix)[structure[0], structure[1]]
    matrix = matrix.tocsc()
    matrix.sum_duplicates()
    if matrix.nnz == len(structure[0]):
        return matrix.data
    return np.asarray(matrix.tocsr()[structure[0], structure[1]]).ravel()


def solve(callbacks: Callbacks, tol: float) -> Solution:
    problem = callbacks.problem
    options = {}
    if _is_linear(problem):
        # Derivatives of linear parts need no second evaluation.
        options = {"jac_c_constant": "yes", "hessian_constant": "yes"}
    return Solution(_solve(callbacks, tol, options))


def run(problem: Any, tol: float) -> tuple[np.ndarray, int]:
    """The solution and the number of iterations."""
    callbacks = Callbacks(problem)
    # Its scaling would loosen the tolerance.
    return _solve(callbacks, tol, {"nlp_scaling_method": "none"}), callbacks.iterations


def _solve(callbacks: Callbacks, tol: float, options: dict[str, Any]) -> np.ndarray:
    import cyipopt

    problem = callbacks.problem
    solver = cyipopt.Problem(
        n=problem.n,
        m=problem.m,
        problem_obj=callbacks,
        lb=np.full(problem.n, -_NO_BOUND),
        ub=np.full(problem.n, _NO_BOUND),
        cl=np.zeros(problem.m),
        cu=np.zeros(problem.m),
    )
    options = options | {"print_level": 0, "sb": "yes", "max_iter": 3000}
    for name in ("tol", "constr_viol_tol", "dual_inf_tol", "compl_inf_tol", "acceptable_tol"):
        options[name] = tol
    for name, value in options.items():
        solver.add_option(name, value)
    x, _ = solver.solve(problem.start.copy())
    return np.asarray(x)


def _is_linear(problem: Problem) -> bool:
    return isinstance(problem, constrained.Quadratic) or getattr(problem, "cube", 1.0) == 0.0


def prepare(problem: Problem, n_threads: int) -> Callbacks:
    return Callbacks(problem)


def _supports(problem: Any) -> bool:
    return isinstance(problem, constrained.Problem) and problem.m > 0


PEERS = [Peer("ipopt", _supports, prepare, solve, needs("cyipopt"))]
