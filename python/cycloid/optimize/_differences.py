"""Derivatives by differences of values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cycloid._inputs import Vector

Scheme: TypeAlias = Literal["2-point", "3-point", "cs"]
SCHEMES: tuple[Scheme, ...] = ("2-point", "3-point", "cs")

_EPSILON = float(np.finfo(np.float64).eps)
# Relative steps at which the errors of truncation and of rounding balance; no digits cancel in a
# complex step.
STEPS: dict[Scheme, float] = {"2-point": _EPSILON**0.5, "3-point": _EPSILON ** (1 / 3), "cs": 1e-40}
# For functions that are differences themselves.
COARSE_STEP = _EPSILON**0.25


def jacobian(
    function: Callable[[NDArray[Any]], NDArray[Any]],
    x: Vector,
    scheme: Scheme,
    step: float | None = None,
) -> NDArray[np.float64]:
    """The matrix of partial derivatives of a function of x with a vector value, at x."""
    steps = (STEPS[scheme] if step is None else step) * np.maximum(1.0, np.abs(x))
    base = function(x) if scheme == "2-point" else None
    columns = []
    for j, h in enumerate(steps):
        moved = x.astype(np.complex128 if scheme == "cs" else np.float64)
        if scheme == "cs":
            moved[j] += 1j * h
            columns.append(np.imag(function(moved)) / h)
            continue
        moved[j] = x[j] + h
        ahead, after = moved[j], function(moved)
        if base is not None:
            columns.append((after - base) / (ahead - x[j]))
            continue
        moved[j] = x[j] - h
        columns.append((after - function(moved)) / (ahead - moved[j]))
    return np.stack(columns, axis=1).astype(np.float64, copy=False)
