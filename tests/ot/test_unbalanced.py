"""Transport with relaxed marginals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from plain_transport import plain_sinkhorn, problem
from sklearn.exceptions import ConvergenceWarning

from cycloid.ot import solve_unbalanced


def kl(p, q):
    ratio = np.divide(p, q, where=(p > 0) & (q > 0), out=np.ones_like(p))
    return np.sum(p * np.log(ratio) - p + q)


def objective(P, a, b, M, reg, rho_a, rho_b):
    marginals = rho_a * kl(P.sum(axis=1), a) + rho_b * kl(P.sum(axis=0), b)
    return np.sum(M * P) + reg * kl(P, np.outer(a, b)) + marginals


@given(
    n=st.integers(1, 10),
    m=st.integers(1, 10),
    seed=st.integers(0, 99),
    reg=st.floats(0.1, 5),
    reg_m=st.tuples(st.floats(0.05, 50), st.floats(0.05, 50)),
    mass=st.floats(0.1, 10),
)
def test_gradient_of_the_objective_vanishes(n, m, seed, reg, reg_m, mass):
    a, b, M = problem(n, m, seed)
    b = mass * b
    result = solve_unbalanced(a, b, M, reg, reg_m, rtol=1e-18)
    P = result.plan()
    slack = (
        M
        + reg * np.log(P / np.outer(a, b))
        + reg_m[0] * np.log(P.sum(axis=1) / a)[:, None]
        + reg_m[1] * np.log(P.sum(axis=0) / b)
    )
    assert_allclose(slack, 0, atol=1e-5)
    assert result.value == pytest.approx(objective(P, a, b, M, reg, *reg_m), rel=1e-9, abs=1e-9)
    assert result.mass == pytest.approx(P.sum(), rel=1e-9)
    assert result.converged


def test_gap_bounds_the_error_at_every_iteration():
    a, b, M = problem(8, 6)
    best = solve_unbalanced(a, 3 * b, M, 0.05, 1.0, rtol=1e-16).value
    gaps = []
    for k in range(1, 8):
        with pytest.warns(ConvergenceWarning):
            result = solve_unbalanced(a, 3 * b, M, 0.05, 1.0, rtol=0, tol=1e-300, max_iter=k)
        value = objective(result.plan(), a, 3 * b, M, 0.05, 1.0, 1.0)
        assert value == pytest.approx(result.value, rel=1e-12)
        assert result.dual_value - 1e-13 <= best <= value + 1e-13
        gaps.append(result.gap)
    assert (np.diff(gaps) < 0).all()


def test_approaches_balanced_transport():
    a, b, M = problem(8, 6)
    result = solve_unbalanced(a, b, M, 0.1, 1e6, rtol=1e-18)
    assert_allclose(result.plan(), plain_sinkhorn(a, b, M, 0.1), atol=1e-5)
    assert result.n_iter < 200  # thanks to the translation


def test_far_mass_is_given_up():
    M = np.array([[0.0, 100.0], [100.0, 100.0]])
    P = solve_unbalanced(None, None, M, 0.01, 1.0).plan()
    assert P[0, 0] == pytest.approx(0.5, rel=0.05)
    assert P[1].sum() + P[:, 1].sum() < 1e-12


def test_as_pot():
    pot = pytest.importorskip("ot")
    a, b, M = problem(8, 6)
    for reg_m in (0.5, (0.5, 3.0)):
        expected = pot.unbalanced.sinkhorn_unbalanced(
            a, 2 * b, M, 0.1, reg_m, numItermax=10_000, stopThr=1e-14
        )
        result = solve_unbalanced(a, 2 * b, M, 0.1, reg_m, rtol=1e-18)
        assert_allclose(result.plan(), expected, rtol=1e-5)


def test_bins_without_mass():
    a, b, M = problem(6, 5)
    a[1] = b[[0, 3]] = 0
    result = solve_unbalanced(a, b, M, 0.1, 1.0, rtol=1e-16)
    kept = np.ix_(a > 0, b > 0)
    smaller = solve_unbalanced(a[a > 0], b[b > 0], M[kept], 0.1, 1.0, rtol=1e-16)
    P = result.plan()
    assert_allclose(P[kept], smaller.plan(), rtol=1e-6)
    assert P.sum() == pytest.approx(P[kept].sum())
    assert np.isfinite(result.f).all()
    assert np.isfinite(result.g).all()


def test_warm_start():
    a, b, M = problem(8, 6)
    first = solve_unbalanced(a, b, M, 0.02, 1.0)
    again = solve_unbalanced(a, b, M, 0.02, 1.0, potentials_init=(first.f, first.g))
    assert again.n_iter == 1 < first.n_iter
    assert_allclose(again.f, first.f, atol=1e-5)


def test_small_regularization():
    a, b, M = problem(8, 8)
    result = solve_unbalanced(a, b, M, 1e-5, 1e-3, rtol=1e-6)
    assert result.converged
    assert np.isfinite(result.plan()).all()


def test_ends_early():
    a, b, M = problem(8, 6)
    rows = []
    with pytest.warns(ConvergenceWarning, match="solve_unbalanced: .*STOPPED.*duality gap is"):
        stopped = solve_unbalanced(
            a, b, M, 0.02, 1.0, callback=lambda row: rows.append(row) or len(rows) == 3
        )
    assert stopped.n_iter == 3
    assert_array_equal(stopped.trace["gap"], [row["gap"] for row in rows])
    with pytest.warns(ConvergenceWarning, match="TIME_LIMIT"):
        assert not solve_unbalanced(a, b, M, 0.02, 1.0, time_limit=0).converged
    with pytest.warns(ConvergenceWarning, match="NUMERICAL_ERROR"):
        solve_unbalanced(a, b, M - 1e6, 0.02, 1.0)  # as much mass as exp(1e6)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"a": [-1.0, 2.0]}, ValueError, "a must hold finite non-negative"),
        ({"b": [1.0, 2.0, 3.0]}, ValueError, "b must have length 2"),
        ({"M": [[np.nan, 1.0]] * 2}, ValueError, "M contains NaN"),
        ({"reg": 0}, ValueError, "reg must be a number > 0"),
        ({"reg_m": 0.0}, ValueError, "reg_m must be a number > 0"),
        ({"reg_m": np.inf}, ValueError, "reg_m must be finite"),
        ({"reg_m": (1.0, 2.0, 3.0)}, ValueError, "reg_m must be a number or a pair"),
        ({"reg_m": "1"}, TypeError, "reg_m must be a number > 0"),
        ({"rtol": -1.0}, ValueError, "rtol must be a number >= 0"),
        ({"max_iter": 0}, ValueError, "max_iter must be an integer >= 1"),
        ({"potentials_init": ([0.0], [0.0, 0.0])}, ValueError, "potentials_init must have length"),
        ({"callback": 3}, TypeError, "callback must be callable"),
    ],
)
def test_wrong_argument(change, error, message):
    arguments = {"a": None, "b": None, "M": np.eye(2), "reg": 1.0, "reg_m": 1.0}
    with pytest.raises(error, match=message):
        solve_unbalanced(**{**arguments, **change})
