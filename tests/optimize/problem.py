"""A problem with equality constraints and exact derivatives, from its formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.optimize.jets import Jet, variables


class Problem:
    """Minimise f(x) subject to c(x) = 0, from a formula that returns f and then each c_i.

    ``optimum`` is the published value of f at the solution that good solvers reach from ``start``.
    """

    def __init__(
        self,
        name: str,
        start: Sequence[float],
        optimum: float,
        formula: Callable[..., tuple[Any, ...]],
    ) -> None:
        self.name = name
        self.start = np.array(start, dtype=np.float64)
        self.start.flags.writeable = False
        self.optimum = optimum
        self.n = len(self.start)
        self._formula = formula
        self._x = np.full(self.n, np.nan)
        self.m = len(self._jets(self.start)) - 1

    def __repr__(self) -> str:
        return self.name

    def objective(self, x: np.ndarray) -> float:
        return self._jets(x)[0].value

    def gradient(self, x: np.ndarray) -> np.ndarray:
        return self._jets(x)[0].gradient.copy()

    def constraints(self, x: np.ndarray) -> np.ndarray:
        return np.array([c.value for c in self._jets(x)[1:]])

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        return np.array([c.gradient for c in self._jets(x)[1:]]).reshape(self.m, self.n)

    def hessian(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Of the Lagrangian f + y @ c."""
        jets = self._jets(x)
        return sum((v * c.hessian for v, c in zip(y, jets[1:], strict=True)), jets[0].hessian)

    def kkt(self, x: np.ndarray, y: np.ndarray) -> float:
        """Norm of the residual of the conditions of Karush, Kuhn and Tucker."""
        gradient = self.gradient(x) + self.jacobian(x).T @ y
        return float(np.linalg.norm(np.concatenate([gradient, self.constraints(x)])))

    def _jets(self, x: np.ndarray) -> list[Jet]:
        if not np.array_equal(x, self._x):
            point = variables(x)
            with np.errstate(all="ignore"):  # a value that is not finite is an answer here
                self._values = [part + 0 * point[0] for part in self._formula(*point)]
            self._x = np.array(x, dtype=np.float64)
        return self._values


class Collection(dict[str, Problem]):
    """Problems by name, in the order in which they are added."""

    def add(
        self, name: str, start: Sequence[float], optimum: float = 0.0
    ) -> Callable[[Callable[..., tuple[Any, ...]]], None]:
        """A decorator for the formula: it takes the unknowns and returns f, c_1, c_2, ..."""

        def register(formula: Callable[..., tuple[Any, ...]]) -> None:
            self[name] = Problem(name, start, optimum, formula)

        return register
