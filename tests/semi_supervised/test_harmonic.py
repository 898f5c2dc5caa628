"""Harmonic functions against dense solves, and against what is known of them."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from cycloid.semi_supervised import Status, harmonic_function

pytestmark = pytest.mark.numerical

KINDS = {"csr": sparse.csr_array, "csc": sparse.csc_matrix, "dense": lambda W: W.toarray()}


def random_graph(n, density, seed):
    half = sparse.random_array((n, n), density=density, rng=seed, format="csr")
    W = sparse.tril(half, -1)
    return (W + W.T).tocsr()


def known_at(n, share, seed):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((n, 2))
    y[rng.random(n) > share] = np.nan
    y[0] = 1.0
    return y


def reference(W, y, strength=np.inf):
    """Dense, by definition; NaN where nothing is known."""
    W = W.toarray()
    n = len(W)
    known = ~np.isnan(y).any(axis=1)
    pull = np.where(known, np.minimum(strength, 1e300), 0.0)
    held = known & (pull == 1e300)
    _, component = sparse.csgraph.connected_components(W)
    fine = np.isin(component, component[known])
    free = fine & ~held
    f = np.where(held[:, None], y, np.nan)
    A = np.diag(W.sum(axis=1) + np.where(held, 0, pull)) - W
    b = np.where(known, pull, 0)[:, None] * np.where(known[:, None], y, 0.0)
    rhs = b[free] + W[np.ix_(free, held)] @ y[held]
    if free.any():
        f[free] = np.linalg.solve(A[np.ix_(free, free)], rhs)
    return f if n else f


@given(
    st.integers(1, 60),
    st.floats(0, 0.5),
    st.floats(0, 1),
    st.sampled_from([np.inf, 0.3]),
    st.sampled_from(sorted(KINDS)),
    st.integers(0, 10**6),
)
def test_against_a_dense_solve(n, density, share, strength, kind, seed):
    W, y = random_graph(n, density, seed), known_at(n, share, seed)
    given = KINDS[kind](W)
    kept = given.copy()
    result = harmonic_function(given, y, strength=strength)
    expected = reference(W, y, strength)
    assert_allclose(result.values, expected, rtol=0, atol=1e-8 * np.nanmax(np.abs(expected)))
    assert np.array_equal(result.undetermined, np.flatnonzero(np.isnan(expected).any(axis=1)))
    assert result.converged
    assert abs(given - kept).max() == 0
    error = np.abs(result.values - expected)[~np.isnan(expected)].max(initial=0.0)
    assert error <= result.error_bound + 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_between_the_extremes_and_harmonic(kind):
    W, y = random_graph(300, 0.02, 1), known_at(300, 0.1, 2)
    f = harmonic_function(KINDS[kind](W), y).values
    known = ~np.isnan(y).any(axis=1)
    found = ~np.isnan(f).any(axis=1)
    assert (f[found] <= y[known].max(axis=0) + 1e-12).all()
    assert (f[found] >= y[known].min(axis=0) - 1e-12).all()
    mean = (W @ np.nan_to_num(f)) / W.sum(axis=1)[:, None]
    assert_allclose(mean[found & ~known], f[found & ~known], rtol=0, atol=1e-9)
    assert np.array_equal(f[known], y[known])


def test_one_dimension_and_permutation_and_scale():
    W, y = random_graph(100, 0.05, 3), known_at(100, 0.2, 3)[:, 0]
    f = harmonic_function(W, y).values
    assert f.shape == (100,)
    order = np.random.default_rng(0).permutation(100)
    assert_allclose(harmonic_function(W[order][:, order], y[order]).values, f[order], atol=1e-9)
    assert_allclose(harmonic_function(1e-200 * W, y).values, f, atol=1e-9)
    loops = W + sparse.diags_array(np.arange(100.0))
    assert_allclose(harmonic_function(loops, y).values, f, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weak", [1e-5, 1e-20, 1e-100, 1e-250])
def test_weights_of_very_different_sizes(kind, weak):
    # Two tight pairs, weakly tied to two known values; in double precision the matrix alone is
    # singular. By exact fractions:
    W = np.zeros((6, 6))
    for i, j, w in [(0, 1, weak), (1, 2, 1.0), (2, 3, 2 * weak), (3, 4, 1.0), (4, 5, 3 * weak)]:
        W[i, j] = W[j, i] = w
    y = np.array([0.0, np.nan, np.nan, np.nan, np.nan, 1.0])
    resistances = [1 / Fraction(W[i, i + 1]) for i in range(5)]
    expected = [float(sum(resistances[:i]) / sum(resistances)) for i in range(6)]
    f = harmonic_function(KINDS[kind](sparse.csr_array(W)), y).values
    assert_allclose(f, expected, rtol=1e-9)


def test_all_known_and_one_node():
    y = np.arange(4.0)
    assert np.array_equal(harmonic_function(np.ones((4, 4)), y).values, y)
    assert np.array_equal(harmonic_function(sparse.csr_array((4, 4)), y).values, y)
    assert harmonic_function([[0.0]], [2.0], strength=0.1).values == [2.0]


def test_a_large_lattice_to_its_bound():
    side = 150
    line = sparse.diags_array([1.0, 1.0], offsets=[1, -1], shape=(side, side))
    one = sparse.eye_array(side)
    W = (sparse.kron(line, one) + sparse.kron(one, line)).tocsr()
    # x y is harmonic inside: its values on the border give it back.
    x = np.linspace(0, 1, side)
    exact = np.multiply.outer(x, x)
    y = exact.copy()
    y[1:-1, 1:-1] = np.nan
    result = harmonic_function(W, y.ravel())
    assert result.n_iter > 0
    assert np.abs(result.values - exact.ravel()).max() <= result.error_bound < 1e-6
    result = harmonic_function(W, y.ravel(), tol=1e-13)
    assert np.abs(result.values - exact.ravel()).max() < 1e-11


def test_ends():
    W, y = random_graph(2000, 0.01, 0), known_at(2000, 0.01, 0)
    with pytest.warns(ConvergenceWarning, match="harmonic_function: the iteration limit"):
        assert harmonic_function(W, y, max_iter=1).status == Status.MAX_ITER
    for given in (W, W.toarray()):
        with pytest.warns(ConvergenceWarning, match="time limit"):
            assert harmonic_function(given, y, time_limit=0).status == Status.TIME_LIMIT


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"W": np.ones((2, 3))}, ValueError, "W must be square"),
        ({"W": -np.ones((2, 2))}, ValueError, "W must hold non-negative weights; got -1"),
        ({"W": sparse.csr_array(-np.ones((2, 2)))}, ValueError, "W must hold non-negative"),
        ({"W": [[0.0, 1.0], [0.5, 0.0]]}, ValueError, "symmetric"),
        ({"W": sparse.csr_array([[0.0, 1.0], [0.5, 0.0]])}, ValueError, "symmetric"),
        ({"W": np.full((2, 2), np.nan)}, ValueError, "W contains NaN"),
        ({"y": np.ones(3)}, ValueError, "y must have shape"),
        ({"y": np.full(2, np.nan)}, ValueError, "y must have a known value"),
        ({"y": [1.0, np.inf]}, ValueError, "y contains infinity"),
        ({"strength": 0.0}, ValueError, "strength"),
        ({"strength": [1.0, -1.0]}, ValueError, "strength must be positive"),
        ({"strength": [1.0]}, ValueError, "strength must have shape"),
        ({"tol": -1.0}, ValueError, "tol"),
        ({"max_iter": 1.5}, TypeError, "max_iter"),
        ({"callback": "f"}, TypeError, "callback"),
    ],
)
def test_bad_input(arguments, error, message):
    good = {"W": np.ones((2, 2)), "y": [1.0, np.nan]}
    with pytest.raises(error, match=message):
        harmonic_function(**good | arguments)
