"""Gradients of transport values by the envelope theorem: the solution is not differentiated."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from cycloid._inputs import Vector, check_option
from cycloid.ot._divergence import SinkhornDivergence
from cycloid.ot._measures import Matrix, as_points, row_slices
from cycloid.ot._result import TransportResult

SMOOTH_COSTS = ("sqeuclidean", "euclidean")


def weight_gradients(result: TransportResult) -> tuple[Vector, Vector]:
    r"""Gradients of `result.value` by the masses a and b.

    They are the potentials f and g. The value is defined where a and b have equal totals only, so
    each of the two is known up to a constant; both are returned with mean zero, which makes them
    the gradients along changes that keep the totals. The gradient by the cost matrix is the plan,
    `result.plan()`.

    Parameters
    ----------
    result : TransportResult
        What `solve` returned.

    Returns
    -------
    ndarray of shape (n,), ndarray of shape (m,)
        Derivatives by a and b, in the unit of the cost. The value has slope -inf at a bin
        without mass; what stands there is no derivative and does not enter the mean if it is -inf.

    References
    ----------
    G. Peyre, M. Cuturi. Computational Optimal Transport. 2019, Proposition 4.6.

    Examples
    --------
    >>> from cycloid.ot import solve, weight_gradients
    >>> da, db = weight_gradients(solve([0.5, 0.5], [0.5, 0.5], [[0.0, 1.0], [2.0, 3.0]], 0.5))
    >>> da.round(6)  # a unit of mass that moves to the second point costs 2
    array([-1.,  1.])
    """
    return _centred(result.f), _centred(result.g)


def _centred(potential: Vector) -> Vector:
    centred: Vector = potential - potential[np.isfinite(potential)].mean()
    return centred


def point_gradients(
    result: TransportResult, X: ArrayLike, Y: ArrayLike, cost: str = "sqeuclidean"
) -> tuple[Matrix, Matrix]:
    r"""Gradients of `result.value` by the points of both clouds::

        d/dx_i = sum_j P_ij d c(x_i, y_j) / dx_i

    and likewise for y_j, where P is the plan and M_ij = c(x_i, y_j) are the costs it was solved
    for. The dual value has the same gradients.

    Parameters
    ----------
    result : TransportResult
        What `solve` or `solve_points` returned for these points.
    X : array-like of shape (n, n_dims)
        Points of the rows.
    Y : array-like of shape (m, n_dims)
        Points of the columns.
    cost : {'sqeuclidean', 'euclidean'}, default='sqeuclidean'
        Cost c: |x - y|^2 or |x - y|. The latter has no derivative where points coincide; zero,
        a subgradient, is taken there.

    Returns
    -------
    ndarray of shape (n, n_dims), ndarray of shape (m, n_dims)
        Derivatives by X and Y, in the unit of the cost times the mass by that of the points.

    Raises
    ------
    ValueError
        If a shape or the name of the cost is wrong.

    References
    ----------
    G. Peyre, M. Cuturi. Computational Optimal Transport. 2019, Section 9.1.3.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.ot import point_gradients, solve
    >>> dX, dY = point_gradients(solve(None, None, [[4.0]], 1.0), [[0.0]], [[2.0]])
    >>> dX, dY
    (array([[-4.]]), array([[4.]]))
    """
    x, y = as_points(X, Y)
    check_option("cost", cost, SMOOTH_COSTS)
    shape = len(result.f), len(result.g)
    if (len(x), len(y)) != shape:
        raise ValueError(
            f"X and Y must have {shape[0]} and {shape[1]} rows, as the result has; got {len(x)} "
            f"and {len(y)}"
        )
    # sum_j W_ij (x_i - y_j), relative to a point amid the clouds for the sake of cancellation.
    origin = x.mean(axis=0)
    x, y = x - origin, y - origin
    dx, dy = np.empty_like(x), np.zeros_like(y)
    for rows in row_slices(len(x), len(y)):
        W = result.plan_rows(rows.start, rows.stop)
        if cost == "sqeuclidean":
            W *= 2
        else:
            distances = cdist(x[rows], y)
            W = np.divide(W, distances, where=distances > 0, out=np.zeros_like(W))
        dx[rows] = W.sum(axis=1)[:, None] * x[rows] - W @ y
        dy += W.sum(axis=0)[:, None] * y - W.T @ x[rows]
    return dx, dy


def divergence_gradients(
    divergence: SinkhornDivergence, X: ArrayLike, Y: ArrayLike, cost: str = "sqeuclidean"
) -> tuple[Matrix, Matrix]:
    r"""Gradients of a Sinkhorn divergence by the points of both clouds.

    Parameters
    ----------
    divergence : SinkhornDivergence
        What `sinkhorn_divergence` returned for these points and this cost.
    X : array-like of shape (n, n_dims)
        Points of the first measure.
    Y : array-like of shape (m, n_dims)
        Points of the second measure.
    cost : {'sqeuclidean', 'euclidean'}, default='sqeuclidean'
        Cost, as in `point_gradients`.

    Returns
    -------
    ndarray of shape (n, n_dims), ndarray of shape (m, n_dims)
        Derivatives of `divergence.value` by X and Y.

    Raises
    ------
    ValueError
        If a shape or the name of the cost is wrong.

    References
    ----------
    J. Feydy et al. Interpolating between Optimal Transport and MMD using Sinkhorn Divergences.
    AISTATS 2019, Section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.ot import divergence_gradients, sinkhorn_divergence
    >>> X, Y = np.array([[0.0], [1.0]]), np.array([[3.0], [4.0]])
    >>> dX, dY = divergence_gradients(sinkhorn_divergence(X, Y, 1.0), X, Y)
    >>> (X - dX).round(6)  # a step of length 1 / (2 a_i) from X to Y
    array([[3.],
           [4.]])
    """
    dX, dY = point_gradients(divergence.xy, X, Y, cost)
    for gradient, result, points in ((dX, divergence.xx, X), (dY, divergence.yy, Y)):
        for side in point_gradients(result, points, points, cost):
            gradient -= side / 2
    return dX, dY
