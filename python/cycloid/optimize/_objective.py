"""The objective as a term: what was given for its value and its derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from cycloid._inputs import Vector
from cycloid.optimize._arrays import as_numpy
from cycloid.optimize._terms import Function, Term, make_term


def make_objective(
    fun: Any, args: tuple[Any, ...], jac: Any, hess: Any, hessp: Any, x0: Vector, library: Any
) -> tuple[Term, Function]:
    """The objective as a term of one component, whose weight is always one."""
    if not callable(fun):
        raise TypeError(f"fun must be callable; got {fun!r}")
    if jac is True:
        pair = _Pair(fun)
        fun, jac = pair.value, pair.gradient
    function = Function("fun", fun, args, library, scalar=True)
    if hess is not None and hessp is not None:
        raise ValueError("hess and hessp exclude each other; give one of them")
    if hessp is not None and not callable(hessp):
        raise TypeError(f"hessp must be callable or None; got {hessp!r}")
    weighted: Any = hess
    if callable(hess):
        weighted = lambda x, v, *more: hess(x, *more)  # noqa: E731
    elif hessp is not None:
        weighted = _products(function, hessp)
    return make_term(function, jac, weighted, x0), function


def _products(function: Function, hessp: Callable[..., Any]) -> Callable[..., LinearOperator]:
    def hess(x: Any, v: Any, *args: Any) -> LinearOperator:
        point = as_numpy(x)
        return LinearOperator(
            (point.size, point.size),
            matvec=lambda p: as_numpy(function.call(hessp, point, p.reshape(-1))),
            dtype=np.float64,
        )

    return hess


class _Pair:
    """A function that returns its value and its gradient together, called once a point."""

    def __init__(self, fun: Callable[..., Any]) -> None:
        self._fun = fun
        self._last: tuple[Any, Any] | None = None

    def _at(self, x: Any, *args: Any) -> Any:
        point = as_numpy(x)
        if self._last is None or not np.array_equal(self._last[0], point):
            self._last = point.copy(), self._fun(x, *args)
        return self._last[1]

    def value(self, x: Any, *args: Any) -> Any:
        return self._at(x, *args)[0]

    def gradient(self, x: Any, *args: Any) -> Any:
        return self._at(x, *args)[1]
