"""What is on top of the solvers works on clouds too large for a matrix of costs."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cycloid.ot import (
    SinkhornTransport,
    _points,
    divergence_gradients,
    monge_gap,
    point_gradients,
    sinkhorn_divergence,
    solve,
    solve_points,
)


@pytest.fixture
def clouds():
    rng = np.random.default_rng(3)
    return rng.standard_normal((60, 2)), rng.standard_normal((45, 2)) + 1.0


@pytest.fixture(params=["matrix", "points"])
def as_what(request):
    limit = 0 if request.param == "points" else 1 << 24
    with (
        mock.patch.object(_points, "_MATRIX_ENTRIES", limit),
        mock.patch.object(_points, "solve_points", wraps=solve_points) as called,
    ):
        yield request.param
        assert called.called == (request.param == "points")


def squared(X, Y):
    return ((X[:, None] - Y) ** 2).sum(axis=-1)


def test_divergence_and_gradients(clouds, as_what):
    X, Y = clouds
    found = sinkhorn_divergence(X, Y, 0.3, tol=1e-11)
    xy, xx, yy = (solve(None, None, squared(*p), 0.3, tol=1e-12) for p in [(X, Y), (X, X), (Y, Y)])
    expected = xy.dual_value - (xx.dual_value + yy.dual_value) / 2
    assert found.value == pytest.approx(expected, abs=1e-10)
    dX, _ = divergence_gradients(found, X, Y)
    step = np.zeros_like(X)
    step[7, 1] = 1e-5
    ahead, behind = (sinkhorn_divergence(X + s * step, Y, 0.3, tol=1e-11).value for s in (1, -1))
    assert dX[7, 1] == pytest.approx((ahead - behind) / 2e-5, rel=1e-5)


def test_monge_gap(clouds, as_what):
    X = np.repeat(clouds[0], 5, axis=0)  # more than a block of pairs
    T = X[::-1] + 0.5
    entropic = solve(None, None, squared(X, T), 0.2, tol=1e-12).dual_value + 0.2
    expected = squared(X, T).trace() / len(X) - entropic
    assert monge_gap(X, T, 0.2, tol=1e-11) == pytest.approx(expected, abs=1e-9)


def test_transport_estimator(clouds, as_what):
    X, Y = clouds
    model = SinkhornTransport(reg_e=0.3, tol=1e-11).fit(X, Xt=Y)
    plan = solve(None, None, squared(X, Y), 0.3, tol=1e-12).plan()
    assert_allclose(model.transform(X), plan @ Y * len(X), rtol=1e-8)


def test_point_gradients_by_blocks(clouds):
    X, Y = clouds
    result = solve_points(X, Y, None, None, 0.3)
    with mock.patch(
        "cycloid.ot._gradients.row_slices", lambda n, m: (slice(k, k + 7) for k in range(0, n, 7))
    ):
        in_blocks = point_gradients(result, X, Y)
    for part, whole in zip(in_blocks, point_gradients(result, X, Y), strict=True):
        assert_allclose(part, whole, rtol=1e-12, atol=1e-15)
