"""`cycloid.ot.barycenter`, against plain iterations, POT, closed forms and its own optimality."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from plain_transport import entropic_value
from sklearn.exceptions import ConvergenceWarning

from cycloid.ot import Status, barycenter, solve

pytestmark = pytest.mark.numerical


def line(n, low=0.0, high=1.0):
    x = np.linspace(low, high, n)
    return x, np.subtract.outer(x, x) ** 2


def bumps(x, count, seed=0, width=0.05):
    rng = np.random.default_rng(seed)
    centres, widths = rng.uniform(0.2, 0.8, (count, 1)), width * rng.uniform(0.5, 1.5, (count, 1))
    A = np.exp(-((x - centres) ** 2) / (2 * widths**2)) + 1e-4
    return A / A.sum(axis=1, keepdims=True)


def plain_barycenter(A, M, reg, weights, n_iter=20_000):
    """Iterative Bregman projections, Benamou et al. 2015, without any stabilisation."""
    K = np.exp(-M / reg)
    v = np.ones((len(A), M.shape[1]))
    for _ in range(n_iter):
        sums = v * ((A / (v @ K.T)) @ K)
        b = np.exp(weights @ np.log(sums))
        v *= b / sums
    return b


def check(result, A, M, reg, tol=1e-9):
    """What the result claims, and that it is optimal, from the potentials alone."""
    assert result.converged
    used = result.weights > 0
    plans = np.array([result.plan(k) for k in np.flatnonzero(used)])
    weights, total = result.weights[used], A[0].sum()
    rows = np.abs(plans.sum(axis=2) - A[used]).sum(axis=1)
    columns = np.abs(plans.sum(axis=1) - result.b).sum(axis=1)
    assert weights @ (rows + columns) <= total * (tol + 2e-13 + 1e-15 * np.abs(M).max() / reg)
    assert result.violation <= tol
    # The derivative of the k-th value by b is g_k, so this is that of the objective.
    assert_allclose(weights @ result.g[used], 0, atol=1e-11 * (1 + np.abs(result.g[used]).max()))
    assert (result.b >= 0).all()
    assert result.b.sum() == pytest.approx(total)
    values = [entropic_value(plan, M, reg) for plan in plans]
    scale = total * max(1, np.abs(M).max())
    assert result.value == pytest.approx(weights @ values, abs=1e-10 * scale)
    assert result.transport_cost == pytest.approx(
        weights @ [np.sum(plan * M) for plan in plans], abs=1e-12 * scale
    )
    assert 0 <= result.gap <= 1e-6 * scale
    assert result.dual_value == pytest.approx(result.value, abs=1e-7 * scale)


@pytest.mark.parametrize("weights", [None, [0.2, 0.5, 0.3]])
@pytest.mark.parametrize("reg", [0.1, 0.01])
def test_plain_iterations(weights, reg):
    x, M = line(40)
    A = bumps(x, 3)
    result = barycenter(A, M, reg, weights=weights, tol=1e-12)
    w = np.full(3, 1 / 3) if weights is None else np.array(weights)
    assert_allclose(result.b, plain_barycenter(A, M, reg, w), atol=1e-11)
    check(result, A, M, reg, tol=1e-12)


# POT's plain method starts with unweighted means, which only equal weights forgive.
@pytest.mark.parametrize(
    ("method", "weights"),
    [
        ("sinkhorn", [1 / 3, 1 / 3, 1 / 3]),
        ("sinkhorn_log", [0.2, 0.5, 0.3]),
        ("sinkhorn_stabilized", [0.2, 0.5, 0.3]),
    ],
)
def test_pot(method, weights):
    pot = pytest.importorskip("ot")
    x, M = line(30)
    A, weights = bumps(x, 3), np.array(weights)
    theirs = pot.barycenter(
        A.T.copy(), M, 0.05, weights=weights, method=method, numItermax=500, stopThr=1e-13
    )
    assert_allclose(barycenter(A, M, 0.05, weights=weights, tol=1e-12).b, theirs, atol=1e-10)


@pytest.mark.parametrize("reg", [0.02, 0.002])
def test_gaussians(reg):
    """The variance solves a scalar equation (Janati et al. 2020, theorem 3, not debiased)."""
    x, M = line(400, -3.0, 3.0)
    means, deviations, weights = np.array([-0.6, 0.3]), np.array([0.25, 0.4]), np.array([0.4, 0.6])
    A = np.exp(-((x - means[:, None]) ** 2) / (2 * deviations[:, None] ** 2))
    A /= A.sum(axis=1, keepdims=True)
    b = barycenter(A, M, reg, weights=weights).b
    assert b @ x == pytest.approx(weights @ means, abs=1e-6)
    # With the cost |x - y|^2 the plan's density has the precision 2 / reg between x and y, and the
    # Schrodinger factor of the barycenter's side is exp(-g / reg) with sum_k w_k g_k = 0: for
    # g_k = -reg q_k x^2 / 2 the marginal's variance v is the same for all k, and sum w_k q_k = 0.
    c = 2 / reg

    def q(v, s):
        # Of a centred Gaussian plan with variances s, v and cross precision c: 1 / v - the rest.
        correlation = (np.sqrt(1 + 4 * c**2 * s * v) - 1) / (2 * c)  # the covariance
        return s / (s * v - correlation**2) - c

    low, high = 1e-6, 10.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if weights @ q(middle, deviations**2) > 0 else (low, middle)
    variance = b @ x**2 - (b @ x) ** 2
    assert variance == pytest.approx(low, rel=1e-6)


def test_derivative_of_the_objective_vanishes():
    x, M = line(20)
    A = bumps(x, 3, width=0.2)
    weights = np.array([0.5, 0.3, 0.2])
    result = barycenter(A, M, 0.05, weights=weights, tol=1e-12)

    def objective(b):
        return weights @ [solve(a, b, M, 0.05, tol=1e-12).dual_value for a in A]

    best = objective(result.b / result.b.sum())
    assert best == pytest.approx(result.value, abs=1e-9)
    for direction in np.random.default_rng(0).standard_normal((4, 20)):
        step = 1e-4 * result.b * (direction - result.b @ direction)  # the total stays
        up, down = objective(result.b + step), objective(result.b - step)
        assert abs(up - down) < 1e-9
        assert min(up, down) >= best - 1e-11


def test_one_histogram_is_blurred_at_most():
    x, M = line(50)
    a = bumps(x, 1)[0]
    near = barycenter([a], M, 1e-5)
    assert_allclose(near.b, a, atol=1e-3)
    check(near, a[None], M, 1e-5)
    # The rows of the plan are those of exp(-M / reg): nothing holds b.
    K = np.exp(-M / 0.01)
    assert_allclose(barycenter([a], M, 0.01).b, a @ (K / K.sum(axis=1, keepdims=True)), atol=1e-9)


def test_mirrored_histograms_have_a_symmetric_barycenter():
    x, M = line(61)
    a = bumps(x, 1)[0]
    for reg in (0.1, 1e-3):
        b = barycenter([a, a[::-1]], M, reg, tol=1e-11).b
        assert_allclose(b, b[::-1], atol=1e-10)
        assert x[b.argmax()] == pytest.approx(0.5)


@pytest.mark.parametrize("fraction", [1.0, 1e-1, 1e-2, 1e-3, 1e-4])
def test_every_regularization(fraction):
    rng = np.random.default_rng(1)
    X, Y = rng.random((30, 2)), rng.random((40, 2))
    M = ((X[:, None] - Y) ** 2).sum(axis=2)
    A = rng.dirichlet(np.ones(30), size=4)
    reg = fraction * np.median(M)
    check(barycenter(A, M, reg), A, M, reg)


def test_bins_without_mass():
    x, M = line(30)
    A = bumps(x, 3)
    A[0, :10] = 0
    A[1, 5] = 0
    A /= A.sum(axis=1, keepdims=True)
    result = barycenter(A, M, 0.01, tol=1e-12)
    assert_array_equal(np.isneginf(result.f), A == 0)
    check(result, A, M, 0.01, tol=1e-12)
    assert_allclose(result.b, plain_barycenter(A, M, 0.01, np.full(3, 1 / 3)), atol=1e-11)


def test_weights():
    x, M = line(30)
    A = bumps(x, 3)
    two = barycenter(A[:2], M, 0.01, weights=[1, 3])
    with_nothing = barycenter(A, M, 0.01, weights=[2, 6, 0])
    assert_array_equal(with_nothing.b, two.b)
    assert np.isnan(with_nothing.g[2]).all()
    assert_array_equal(with_nothing.weights, [0.25, 0.75, 0])
    check(with_nothing, A, M, 0.01)
    again = barycenter(
        A, M, 0.01, weights=[2, 6, 0], potentials_init=(with_nothing.f, with_nothing.g)
    )
    assert again.n_passes <= 4
    repeated = barycenter(A[[0, 1, 1, 1]], M, 0.01)
    assert_allclose(repeated.b, two.b, atol=1e-9)


def test_totals_are_kept():
    x, M = line(30)
    A = bumps(x, 3)
    many = barycenter(1e3 * A, M, 0.01)
    assert_allclose(many.b, 1e3 * barycenter(A, M, 0.01).b, rtol=1e-7)
    check(many, 1e3 * A, M, 0.01)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray, lambda M: M[::-1]])
def test_layouts_and_types(layout, dtype):
    rng = np.random.default_rng(1)
    M, A = layout((10 * rng.random((12, 15))).astype(dtype)), rng.dirichlet(np.ones(12), size=3)
    M.flags.writeable = A.flags.writeable = False
    before = M.copy()
    check(barycenter(np.asfortranarray(A), M, 0.5), A, M.astype(float), 0.5)
    assert_array_equal(M, before)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_threads_give_the_same_bits(count):
    x, M = line(400)
    A = bumps(x, count)
    one, many = (barycenter(A, M, 1e-3, n_threads=n_threads) for n_threads in (1, 3))
    assert_array_equal(one.b, many.b)
    assert_array_equal(one.g, many.g)
    assert one.gap == many.gap


@given(
    n=st.integers(1, 12),
    m=st.integers(1, 12),
    count=st.integers(1, 5),
    seed=st.integers(0, 99),
    log_reg=st.sampled_from([0, -1, -2, -3]),
)
def test_any_problem(n, m, count, seed, log_reg):
    rng = np.random.default_rng(seed)
    A, M = rng.dirichlet(np.ones(n), size=count), rng.random((n, m))
    A[:, 1:][rng.random((count, n - 1)) < 0.2] = 0
    A[:, 0] += 1e-3
    A /= A.sum(axis=1, keepdims=True)
    check(barycenter(A, M, 10.0**log_reg), A, M, 10.0**log_reg)


# ------------------------------------------------------------------------- stopping, watching


def test_callback_and_limits():
    x, M = line(50)
    A = bumps(x, 3)
    rows = []
    result = barycenter(A, M, 1e-3, callback=rows.append)
    assert set(rows[0]) == set(result.trace)
    assert rows[-1]["violation"] == result.trace["violation"][-1]
    with pytest.warns(ConvergenceWarning, match=r"barycenter: .*STOPPED.*callback") as caught:
        stopped = barycenter(A, M, 1e-3, callback=lambda row: True)
    assert caught[0].filename == __file__
    assert stopped.status == Status.STOPPED
    with pytest.warns(ConvergenceWarning, match=r"TIME_LIMIT.*Increase time_limit"):
        cut = barycenter(A, M, 1e-3, time_limit=0)
    with pytest.warns(ConvergenceWarning, match=r"MAX_ITER.*Increase max_iter"):
        short = barycenter(A, M, 1e-3, max_iter=20)
    best = result.dual_value
    for early in (stopped, cut, short):
        assert np.isfinite([early.value, early.gap, early.violation]).all()
        assert early.dual_value <= best + 1e-12
        assert early.dual_value + early.gap >= best
        assert early.b.sum() == pytest.approx(1)

    def fail(row):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        barycenter(A, M, 1e-3, callback=fail)


def test_verbose_and_progress(capfd):
    x, M = line(20)
    A = bumps(x, 2)
    barycenter(A, M, 0.1)
    assert capfd.readouterr() == ("", "")
    barycenter(A, M, 0.1, verbose=1)
    assert capfd.readouterr().out.split()[:2] == ["iteration", "seconds"]
    pytest.importorskip("tqdm")
    barycenter(A, M, 0.1, progress=True)
    assert "violation" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"A": [0.5, 0.5]}, ValueError, r"A must have shape \(n_hists, n\)"),
        ({"A": None}, ValueError, r"A must have shape \(n_hists, n\)"),
        ({"A": [[1.0, 0.0, 0.0]]}, ValueError, "A must have shape"),
        ({"A": [[0.5, 0.5], [1, 1]]}, ValueError, "A must have equal totals .* from 1 to 2"),
        ({"A": [[0.5, 0.5], [1.5, -0.5]]}, ValueError, "A must hold finite non-negative masses"),
        ({"A": [[0.5, 0.5], [0, 0]]}, ValueError, "A must have positive totals"),
        ({"M": [[0, np.inf], [1, 0]]}, ValueError, "M must be finite"),
        ({"M": np.ones(3)}, ValueError, "M must have shape"),
        ({"reg": -1.0}, ValueError, "reg must be a number > 0"),
        ({"tol": 0}, ValueError, "tol must be a number > 0"),
        ({"weights": [1.0]}, ValueError, "weights must have length 2"),
        ({"weights": [1.0, -1.0]}, ValueError, "weights must hold finite non-negative"),
        ({"weights": [0.0, 0.0]}, ValueError, "weights must have a positive total"),
        ({"potentials_init": 3}, TypeError, "potentials_init must be a pair"),
        ({"potentials_init": ([0, 0], [0])}, ValueError, "g must have shape"),
        ({"max_iter": 0}, ValueError, "max_iter"),
        ({"n_threads": 0}, ValueError, "n_threads"),
        ({"callback": 3}, TypeError, "callback"),
    ],
)
def test_bad_input(changes, error, message):
    good = {"A": [[0.5, 0.5], [0.2, 0.8]], "M": 1 - np.eye(2), "reg": 0.1}
    with pytest.raises(error, match=message):
        barycenter(**{**good, **changes})
