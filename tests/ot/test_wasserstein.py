"""Exact transport: bounds that hold, and that meet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from plain_transport import exact_cost, problem
from scipy.optimize import linear_sum_assignment
from sklearn.exceptions import ConvergenceWarning

from cycloid.ot import wasserstein
from cycloid.ot._wasserstein import round_to_marginals


def check(result, a, b, M):
    """What the result says of itself."""
    scale = np.abs(M).max() * a.sum() + 1e-300
    assert (result.plan >= 0).all()
    assert_allclose(result.plan.sum(axis=1), a, atol=1e-15 * len(b))
    assert_allclose(result.plan.sum(axis=0), b, atol=1e-15 * len(a))
    assert (result.f[:, None] + result.g - M).max() <= 1e-14 * np.abs(M).max()
    assert result.value == pytest.approx(np.sum(M * result.plan), abs=1e-14 * scale)
    dual = result.f @ a + result.g @ b
    assert result.lower_bound == pytest.approx(dual, abs=1e-14 * scale)
    assert result.gap == max(0.0, result.value - result.lower_bound)
    assert result.converged == (result.gap <= result.tolerance)
    assert len(result.trace["gap"]) == result.n_iter


@given(
    n=st.integers(1, 10),
    m=st.integers(1, 10),
    seed=st.integers(0, 200),
    zeros=st.booleans(),
    offset=st.sampled_from([0.0, -0.5, 10.0]),
)
def test_bounds_enclose_the_exact_cost(n, m, seed, zeros, offset):
    a, b, M = problem(n, m, seed)
    if zeros and n > 2 and m > 2:
        a[0] = b[1] = 0
        a, b = a / a.sum(), b / b.sum()
    M = M + offset
    result = wasserstein(a, b, M, rtol=1e-2)
    check(result, a, b, M)
    assert result.converged
    exact = exact_cost(a, b, M)
    assert result.lower_bound <= exact + 1e-9
    assert result.value >= exact - 1e-9


def test_assignment():
    M = problem(20, 20)[2]
    result = wasserstein(None, [], M, rtol=1e-3)
    check(result, np.full(20, 0.05), np.full(20, 0.05), M)
    assert result.converged
    exact = M[linear_sum_assignment(M)].mean()
    assert result.lower_bound - 1e-12 <= exact <= result.value + 1e-12
    assert result.value - exact <= result.tolerance


def test_as_emd_of_pot():
    pot = pytest.importorskip("ot")
    a, b, M = problem(20, 15)
    result = wasserstein(a, b, M)
    assert result.value == pytest.approx(pot.emd2(a, b, M), abs=result.tolerance)


def test_points_on_a_line():
    x = np.sort(np.random.default_rng(0).random(15))
    result = wasserstein(None, None, np.abs(x[:, None] - (x + 0.3)), tol=1e-4)
    assert result.value == pytest.approx(0.3, abs=1e-4)


def test_nothing_to_solve():
    for a, b, M in (
        ([1.0], [0.25, 0.75], np.array([[2.0, 4.0]])),
        ([0.25, 0.75], [1.0], np.array([[2.0], [4.0]])),
        ([0.5, 0.5], [0.5, 0.5], np.full((2, 2), 3.0)),
        ([0.5, 0.5], [0.5, 0.5], np.zeros((2, 2))),
        ([0.5, 0.5], [0.25, 0.75], np.add.outer([1.0, 5.0], [0.0, -3.0])),
        ([0.0, 2.0], [2.0, 0.0], np.array([[5.0, 1.0], [3.0, -7.0]])),
    ):
        result = wasserstein(a, b, M)
        check(result, np.array(a), np.array(b), M)
        assert result.converged
        assert result.n_iter == 0
        assert result.reg == np.inf


def test_equal_measures():
    a = np.random.default_rng(0).dirichlet(np.ones(10))
    points = np.arange(10.0) // 2  # each of them twice
    M = (points[:, None] - points) ** 2
    result = wasserstein(a, a, M, rtol=1e-3)
    check(result, a, a, M)
    assert 0 <= result.value <= result.tolerance


def test_tolerances():
    a, b, M = problem(12, 12)
    loose, tight = wasserstein(a, b, M, rtol=0.1), wasserstein(a, b, M, rtol=0, tol=1e-3)
    assert loose.reg > tight.reg
    assert loose.gap > tight.gap
    assert loose.gap <= loose.tolerance
    assert tight.tolerance == 1e-3
    scaled = wasserstein(3 * a, 3 * b, 5 * M, rtol=0.1)
    assert scaled.tolerance == pytest.approx(15 * loose.tolerance)
    assert scaled.value == pytest.approx(15 * loose.value, rel=0.1)


def test_trace_is_monotone():
    a, b, M = problem(12, 9)
    trace = wasserstein(a, b, M, rtol=1e-7).trace
    assert len(trace["gap"]) > 2
    assert (np.diff(trace["value"]) <= 0).all()
    assert (np.diff(trace["lower_bound"]) >= 0).all()
    assert_allclose(trace["reg"][1:] / trace["reg"][:-1], 0.25)
    assert_array_equal(trace["gap"], trace["value"] - trace["lower_bound"])


def test_ends_early_with_bounds_that_hold():
    a, b, M = problem(12, 9)
    exact = exact_cost(a, b, M)
    for options, status in (
        ({"max_iter": 1}, "MAX_ITER"),
        ({"time_limit": 0}, "TIME_LIMIT"),
        ({"callback": lambda row: True}, "STOPPED"),
    ):
        with pytest.warns(ConvergenceWarning, match=rf"wasserstein: .*Status\.{status}.*the gap"):
            result = wasserstein(a, b, M, rtol=1e-8, **options)
        assert result.status.name == status
        check(result, a, b, M)
        assert result.lower_bound - 1e-12 <= exact <= result.value + 1e-12


def test_input_is_not_written_to():
    a, b, M = problem(6, 5)
    a[0] = 0
    a /= a.sum()
    copies = a.copy(), b.copy(), M.copy()
    wasserstein(a, b, M, rtol=1e-2)
    for given_array, copy in zip((a, b, M), copies, strict=True):
        assert_array_equal(given_array, copy)


@given(n=st.integers(1, 8), m=st.integers(1, 8), seed=st.integers(0, 100))
def test_rounding_moves_at_most_twice_the_error(n, m, seed):
    a, b, P = problem(n, m, seed)
    P[0] *= seed % 2  # perhaps a row without anything in it
    error = np.abs(P.sum(axis=1) - a).sum() + np.abs(P.sum(axis=0) - b).sum()
    rounded = round_to_marginals(P.copy(), a, b)
    assert (rounded >= 0).all()
    assert_allclose(rounded.sum(axis=1), a, atol=1e-14)
    assert_allclose(rounded.sum(axis=0), b, atol=1e-14)
    assert np.abs(rounded - P).sum() <= 2 * error + 1e-12


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"a": [0.5, -0.5]}, ValueError, "a must hold finite non-negative"),
        ({"b": [1.0, 1.0]}, ValueError, "a and b must have the same total mass; got 1 and 2"),
        ({"M": [[1.0, np.nan]] * 2}, ValueError, "M contains NaN"),
        ({"M": [1.0]}, ValueError, "M must be a non-empty matrix"),
        ({"rtol": -1.0}, ValueError, "rtol must be a number >= 0"),
        ({"tol": np.nan}, ValueError, "tol must be a number >= 0"),
        ({"max_iter": 0}, ValueError, "max_iter must be an integer >= 1"),
        ({"time_limit": -1}, ValueError, "time_limit must be a number >= 0"),
    ],
)
def test_wrong_argument(change, error, message):
    arguments = {"a": None, "b": None, "M": np.eye(2)}
    with pytest.raises(error, match=message):
        wasserstein(**{**arguments, **change})


def test_progress(capfd):
    a, b, M = problem(8, 6)
    wasserstein(a, b, M)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(TypeError, match="progress must be True or False"):
        wasserstein(a, b, M, progress="yes")
    pytest.importorskip("tqdm")
    wasserstein(a, b, M, progress=True)
    assert "gap" in capfd.readouterr().err
