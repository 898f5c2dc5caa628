"""The problem as the core sees it: objective, constraints, and their derivatives at a point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse.linalg import LinearOperator

from cycloid._inputs import Vector
from cycloid.optimize._terms import Matrix, Term, add, stack


class Problem:
    """Minimise objective(x) subject to constraints(x) = 0; see `newton_minimize` in _core.pyi."""

    def __init__(self, objective: Term, constraints: Sequence[Term], n: int) -> None:
        self.n = n
        self.m = sum(term.size for term in constraints)
        self.n_gradients = self.n_hessians = 0
        # Where the core stands: it asks for the Hessian once at each iterate that it accepts.
        self.iterate: tuple[Vector, Vector] | None = None
        self._objective = objective
        self._constraints = constraints
        self._ends = np.cumsum([term.size for term in constraints])[:-1]
        self._is_linear = all(term.hessian is None for term in constraints)
        self._last_jacobian: tuple[Vector, Matrix] | None = None
        self._last_hessian: tuple[Vector, Vector, LinearOperator] | None = None

    def objective(self, x: Vector) -> float:
        return float(self._objective.value(x)[0])

    def gradient(self, x: Vector) -> Vector:
        self.n_gradients += 1
        jacobian = self._objective.jacobian(x)
        dense = jacobian if isinstance(jacobian, np.ndarray) else jacobian.T @ np.ones(1)
        return np.asarray(dense, dtype=np.float64).reshape(self.n)

    def constraints(self, x: Vector) -> Vector:
        return np.concatenate([term.value(x) for term in self._constraints])

    def jacobian(self, x: Vector) -> Matrix | None:
        """None: only the two products are known."""
        matrix = self._jacobian_at(x)
        return None if isinstance(matrix, LinearOperator) else matrix

    def jacobian_product(self, x: Vector, v: Vector) -> Vector:
        return np.asarray(self._jacobian_at(x) @ v)

    def jacobian_transpose_product(self, x: Vector, w: Vector) -> Vector:
        return np.asarray(self._jacobian_at(x).T @ w)

    def hessian(self, x: Vector, y: Vector) -> Matrix | None:
        """Of the Lagrangian; None: only its product is known."""
        self.n_hessians += 1
        self.iterate = x, y
        matrix = self._hessian_at(x, y)
        return None if isinstance(matrix, LinearOperator) else matrix

    def hessian_product(self, x: Vector, y: Vector, v: Vector) -> Vector:
        return np.asarray(self._hessian_at(x, y) @ v)

    def _jacobian_at(self, x: Vector) -> Matrix:
        if self._last_jacobian is not None and (
            self._is_linear or np.array_equal(self._last_jacobian[0], x)
        ):
            return self._last_jacobian[1]
        matrix = stack([term.jacobian(x) for term in self._constraints])
        self._last_jacobian = x, matrix
        return matrix

    def _hessian_at(self, x: Vector, y: Vector) -> Matrix:
        last = self._last_hessian
        if last is not None and np.array_equal(last[0], x) and np.array_equal(last[1], y):
            return last[2]
        parts = []
        weights = np.split(y, self._ends) if self._constraints else []
        for term, v in zip(
            [self._objective, *self._constraints], [np.ones(1), *weights], strict=True
        ):
            if term.hessian is not None:
                parts.append(term.hessian(x, v))
        matrix = add(parts, self.n)
        if isinstance(matrix, LinearOperator):
            self._last_hessian = x, y, matrix
        return matrix
