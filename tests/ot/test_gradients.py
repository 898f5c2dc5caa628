"""Gradients, against finite differences of the values."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from plain_transport import problem
from scipy.spatial.distance import cdist

from cycloid.ot import (
    divergence_gradients,
    point_gradients,
    sinkhorn_divergence,
    solve,
    weight_gradients,
)

SMOOTH = ["sqeuclidean", "euclidean"]
REG, STEP = 0.3, 1e-5


def value(a, b, M):
    # The dual value errs to second order only.
    return solve(a, b, M, REG, tol=1e-12).dual_value


def derivative(function, direction):
    """Central difference of function(t * direction) at t = 0."""
    return (function(STEP * direction) - function(-STEP * direction)) / (2 * STEP)


def directions(shape, count=4):
    return np.random.default_rng(5).standard_normal((count, *shape))


def clouds():
    rng = np.random.default_rng(2)
    return rng.standard_normal((6, 3)), rng.standard_normal((5, 3)) + 0.5


def test_by_the_masses():
    a, b, M = problem(6, 5)
    da, db = weight_gradients(solve(a, b, M, REG, tol=1e-12))
    assert da.mean() == pytest.approx(0, abs=1e-14)
    assert db.mean() == pytest.approx(0, abs=1e-14)
    for d in 0.01 * directions((6,)):
        d -= d.mean()  # the totals stay
        assert derivative(lambda t: value(a + t, b, M), d) == pytest.approx(da @ d, abs=1e-8)
    for d in 0.01 * directions((5,)):
        d -= d.mean()
        assert derivative(lambda t: value(a, b + t, M), d) == pytest.approx(db @ d, abs=1e-8)


def test_by_the_costs():
    a, b, M = problem(6, 5)
    P = solve(a, b, M, REG, tol=1e-12).plan()
    for d in directions((6, 5)):
        assert derivative(lambda t: value(a, b, M + t), d) == pytest.approx(np.sum(P * d), abs=1e-8)


@pytest.mark.parametrize("cost", SMOOTH)
def test_by_the_points(cost):
    X, Y = clouds()
    a, b, _ = problem(6, 5)
    dX, dY = point_gradients(solve(a, b, cdist(X, Y, cost), REG, tol=1e-12), X, Y, cost)
    for d in directions(X.shape):
        slope = derivative(lambda t: value(a, b, cdist(X + t, Y, cost)), d)
        assert slope == pytest.approx(np.sum(dX * d), abs=1e-7)
    for d in directions(Y.shape):
        slope = derivative(lambda t: value(a, b, cdist(X, Y + t, cost)), d)
        assert slope == pytest.approx(np.sum(dY * d), abs=1e-7)
    assert_allclose(dX.sum(axis=0) + dY.sum(axis=0), 0, atol=1e-12)  # a shift of both is free


@pytest.mark.parametrize("cost", SMOOTH)
def test_of_a_divergence(cost):
    X, Y = clouds()
    a, b, _ = problem(6, 5)

    def divergence(X, Y):
        return sinkhorn_divergence(X, Y, REG, a, b, cost, tol=1e-12)

    dX, dY = divergence_gradients(divergence(X, Y), X, Y, cost)
    for d in directions(X.shape):
        slope = derivative(lambda t: divergence(X + t, Y).value, d)
        assert slope == pytest.approx(np.sum(dX * d), abs=1e-7)
    for d in directions(Y.shape):
        slope = derivative(lambda t: divergence(X, Y + t).value, d)
        assert slope == pytest.approx(np.sum(dY * d), abs=1e-7)


@pytest.mark.parametrize("cost", SMOOTH)
def test_zero_between_equal_measures(cost):
    X = np.random.default_rng(0).standard_normal((10, 2))
    X[1] = X[0]
    for gradient in divergence_gradients(sinkhorn_divergence(X, X, REG, cost=cost), X, X, cost):
        assert_allclose(gradient, 0, atol=1e-7)


def test_far_from_the_origin():
    X, Y = clouds()
    result = solve(None, None, cdist(X, Y, "sqeuclidean"), REG)
    near, far = point_gradients(result, X, Y), point_gradients(result, X + 1e8, Y + 1e8)
    assert_allclose(far[0], near[0], atol=1e-7)


def test_wrong_argument():
    X, Y = clouds()
    result = solve(None, None, cdist(X, Y), REG)
    with pytest.raises(ValueError, match="cost must be one of 'sqeuclidean', 'euclidean'"):
        point_gradients(result, X, Y, "cosine")
    with pytest.raises(ValueError, match="X and Y must have 6 and 5 rows.*got 5 and 6"):
        point_gradients(result, Y, X)
    with pytest.raises(ValueError, match="X and Y must hold points of one dimension"):
        point_gradients(result, X[:, :2], Y)
