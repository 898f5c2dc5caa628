"""Values with their gradients, for the packages that differentiate programs.

Each function returns the value and a function of flags, one for each argument: the gradients that
are wanted, None for the others. By the envelope theorem they follow from the solution itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cycloid._inputs import Vector, check_option
from cycloid.ot._divergence import SinkhornDivergence, sinkhorn_divergence
from cycloid.ot._gradients import (
    SMOOTH_COSTS,
    divergence_gradients,
    point_gradients,
    weight_gradients,
)
from cycloid.ot._measures import Matrix, as_marginals, as_points, cost_matrix, soft_min
from cycloid.ot._points import solve_clouds
from cycloid.ot._solve import solve

Gradients: TypeAlias = list[NDArray[np.float64] | None]
Evaluation: TypeAlias = tuple[float, Callable[[Sequence[bool]], Gradients]]


def transport_value(reg: float, options: dict[str, Any], a: Any, b: Any, M: Any) -> Evaluation:
    """The dual value of `solve`, which errs to second order, by a, b and M."""
    if np.ndim(M) != 2 or np.size(M) == 0:
        raise ValueError(f"M must have shape (n, m) and not be empty; got {np.shape(M)}")
    a, b = as_marginals(a, b, M.shape)
    result = solve(a, b, M, reg, **options)

    def gradients(wanted: Sequence[bool]) -> Gradients:
        da, db = weight_gradients(result)
        return _those(wanted, [lambda: da, lambda: db, result.plan])

    return result.dual_value, gradients


def points_transport_value(
    reg: float, cost: str, options: dict[str, Any], X: Any, Y: Any, a: Any, b: Any
) -> Evaluation:
    """The same for the costs between points, by X, Y, a and b."""
    check_option("cost", cost, SMOOTH_COSTS)
    x, y = as_points(X, Y)
    a, b = as_marginals(a, b, (len(x), len(y)))
    result = solve_clouds(x, y, a, b, reg, cost, **options)

    def gradients(wanted: Sequence[bool]) -> Gradients:
        dx, dy = point_gradients(result, x, y, cost) if any(wanted[:2]) else (None, None)
        da, db = weight_gradients(result)
        return [part if want else None for part, want in zip((dx, dy, da, db), wanted, strict=True)]

    return result.dual_value, gradients


def divergence(
    reg: float, cost: str, options: dict[str, Any], X: Any, Y: Any, a: Any, b: Any
) -> Evaluation:
    """`sinkhorn_divergence`, by X, Y, a and b."""
    check_option("cost", cost, SMOOTH_COSTS)
    x, y = as_points(X, Y)
    a, b = as_marginals(a, b, (len(x), len(y)))
    solved = sinkhorn_divergence(x, y, reg, a, b, cost, **options)

    def gradients(wanted: Sequence[bool]) -> Gradients:
        dx, dy = divergence_gradients(solved, x, y, cost) if any(wanted[:2]) else (None, None)
        da, db = _weight_gradients(solved, x, y, reg, cost) if any(wanted[2:]) else (None, None)
        return [part if want else None for part, want in zip((dx, dy, da, db), wanted, strict=True)]

    return solved.value, gradients


def _those(wanted: Sequence[bool], parts: Sequence[Callable[[], Any]]) -> Gradients:
    return [part() if want else None for want, part in zip(wanted, parts, strict=True)]


def _weight_gradients(
    solved: SinkhornDivergence, x: Matrix, y: Matrix, reg: float, cost: str
) -> tuple[Vector, Vector]:
    """By the masses, those that are zero included: the logarithms of the masses cancel."""
    xy, xx, yy = solved.xy, solved.xx, solved.yy
    M, to_x, to_y = cost_matrix(x, y, cost), cost_matrix(x, x, cost), cost_matrix(y, y, cost)
    da = _extended(M, xy.g, reg) - (_extended(to_x, xx.f, reg) + _extended(to_x, xx.g, reg)) / 2
    db = _extended(M.T, xy.f, reg) - (_extended(to_y, yy.f, reg) + _extended(to_y, yy.g, reg)) / 2
    return da - da.mean(), db - db.mean()


def _extended(M: Matrix, g: Vector, reg: float) -> Vector:
    """f - reg log(a) from the potentials of the other side, finite whatever the masses a."""
    return soft_min(M, g, np.zeros_like(g), reg)
