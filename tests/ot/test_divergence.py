"""Sinkhorn divergences and Monge gaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_transport import entropic_value, plain_sinkhorn
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.exceptions import ConvergenceWarning

from cycloid.ot import monge_gap, sinkhorn_divergence
from cycloid.ot._divergence import _symmetric_potential

COSTS = ["sqeuclidean", "euclidean", "cityblock", "cosine"]


def clouds(n, m, seed=0, n_dims=2):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, n_dims)), rng.standard_normal((m, n_dims)) + 1


@pytest.mark.parametrize("cost", COSTS)
def test_definition_by_kl_to_the_product(cost):
    X, Y = clouds(6, 4)
    rng = np.random.default_rng(1)
    a, b = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(4))

    def transport(a, b, M):
        P = plain_sinkhorn(a, b, M, 0.5)
        return np.sum(M * P) + 0.5 * np.sum(P * np.log(P / np.outer(a, b)))

    expected = (
        transport(a, b, cdist(X, Y, cost))
        - transport(a, a, cdist(X, X, cost)) / 2
        - transport(b, b, cdist(Y, Y, cost)) / 2
    )
    result = sinkhorn_divergence(X, Y, 0.5, a, b, cost, tol=1e-11)
    assert result.value == pytest.approx(expected, abs=1e-9)
    assert result.converged


@pytest.mark.parametrize("cost", COSTS)
@given(n=st.integers(1, 8), m=st.integers(1, 8), seed=st.integers(0, 50), reg=st.floats(0.1, 10))
def test_positive_and_symmetric(cost, n, m, seed, reg):
    X, Y = clouds(n, m, seed)
    value = sinkhorn_divergence(X, Y, reg, cost=cost).value
    assert value >= -1e-9
    assert value == pytest.approx(sinkhorn_divergence(Y, X, reg, cost=cost).value, abs=1e-8)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("reg", [1e-2, 1.0, 100.0])
def test_zero_for_equal_measures(cost, reg):
    X, _ = clouds(12, 1)
    order = np.random.default_rng(0).permutation(12)
    assert sinkhorn_divergence(X, X[order], reg, cost=cost).value == pytest.approx(0, abs=1e-8)
    a = np.zeros(12)
    a[:6] = 1 / 6  # and in several pieces
    halves = np.concatenate([X[:6], X[:6]])
    assert sinkhorn_divergence(X, halves, reg, a, cost=cost).value == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("reg", [1e-3, 1e-2, 0.1, 1.0, 100.0])
def test_symmetric_problems_start_close_to_the_solution(reg):
    X, _ = clouds(60, 1)
    a = np.random.default_rng(1).dirichlet(np.ones(60))
    M = cdist(X, X, "sqeuclidean")
    f = _symmetric_potential(a, M, reg)
    P = np.exp((f[:, None] + f - M) / reg)
    assert np.abs(P.sum(axis=1) - a).sum() < 1e-3


def test_shift():
    X, _ = clouds(30, 1)
    result = sinkhorn_divergence(X, X + np.array([3, 4]), 0.3)
    assert result.value == pytest.approx(25, abs=1e-8)
    assert result.sharp_value == pytest.approx(25, abs=1e-6)


def test_single_points():
    assert sinkhorn_divergence([[0.0]], [[3.0]], 0.1).value == pytest.approx(9)
    assert sinkhorn_divergence([[0.0]], [[3.0]], 0.1, cost="euclidean").value == pytest.approx(3)


def test_total_mass_other_than_one():
    X, Y = clouds(6, 4)
    one = sinkhorn_divergence(X, Y, 0.5, cost="euclidean").value
    a, b = np.full(6, 5 / 6), np.full(4, 5 / 4)
    assert sinkhorn_divergence(X, Y, 0.5, a, b, "euclidean").value == pytest.approx(5 * one)


def test_sharp_value_is_that_of_pot():
    pot = pytest.importorskip("ot")
    X, Y = clouds(10, 8)
    expected = pot.bregman.empirical_sinkhorn_divergence(X, Y, 0.5)
    assert sinkhorn_divergence(X, Y, 0.5).sharp_value == pytest.approx(float(expected), rel=1e-6)


def test_divergence_not_converged():
    X, Y = clouds(10, 8)
    with pytest.warns(ConvergenceWarning):
        result = sinkhorn_divergence(X, Y, 1e-3, tol=1e-13, time_limit=0)
    assert not result.converged
    assert np.isfinite(result.value)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X": [[np.nan]]}, ValueError, "X contains NaN"),
        ({"Y": [[0.0, 1.0]]}, ValueError, "X and Y must hold points of one dimension"),
        ({"Y": [0.0, 1.0]}, ValueError, "Y must be a non-empty matrix"),
        ({"a": [-1.0]}, ValueError, "a must hold finite non-negative"),
        ({"a": [2.0]}, ValueError, "a and b must have the same total mass"),
        ({"reg": -1.0}, ValueError, "reg must be a number > 0"),
        ({"cost": "hamming"}, ValueError, "cost must be one of 'sqeuclidean', 'euclidean'"),
        ({"X": [[0.0]], "cost": "cosine"}, ValueError, "cost='cosine' is not defined for"),
        ({"tolerance": 1.0}, TypeError, "tolerance"),
    ],
)
def test_wrong_argument(change, error, message):
    arguments = {"X": [[1.0]], "Y": [[2.0], [3.0]], "reg": 1.0}
    with pytest.raises(error, match=message):
        sinkhorn_divergence(**{**arguments, **change})


# --------------------------------------------------------------------------------- Monge gap


@pytest.mark.parametrize("cost", COSTS)
def test_monge_gap_definition(cost):
    X, T = clouds(7, 7)
    M = cdist(X, T, cost)
    uniform = np.full(7, 1 / 7)
    P = plain_sinkhorn(uniform, uniform, M, 0.5)
    expected = np.trace(M) / 7 - (entropic_value(P, M, 0.5) + 0.5)
    assert monge_gap(X, T, 0.5, cost) == pytest.approx(expected, abs=1e-9)


@given(n=st.integers(1, 10), seed=st.integers(0, 50), reg=st.floats(0.05, 10))
def test_monge_gap_is_bounded_below(n, seed, reg):
    X, T = clouds(n, n, seed)
    assert monge_gap(X, T, reg) >= reg * np.log(n) - 1e-8


def test_monge_gap_as_regularization_vanishes():
    X, T = clouds(8, 8)
    M = cdist(X, T)
    excess = np.trace(M) / 8 - M[linear_sum_assignment(M)].mean()
    assert monge_gap(X, T, 1e-3, "euclidean") == pytest.approx(excess, abs=1e-2)
    assert monge_gap(X, 2 * X, 1e-3) == pytest.approx(0, abs=1e-2)  # a gradient of a convex map


def test_monge_gap_wrong_argument():
    with pytest.raises(ValueError, match="T_X must have one row for each of the 2 of X; got 1"):
        monge_gap([[0.0], [1.0]], [[0.0]], 1.0)
    with pytest.raises(ValueError, match="X and T_X must hold points of one dimension"):
        monge_gap([[0.0], [1.0]], [[0.0, 1.0], [0.0, 1.0]], 1.0)
    with pytest.raises(ValueError, match="reg must be finite"):
        monge_gap([[0.0]], [[0.0]], np.inf)
