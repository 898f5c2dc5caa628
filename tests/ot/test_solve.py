"""`cycloid.ot.solve` against extended precision, linear programs and its own certificate.

One file, for all of it is about one function and shares its small problems.
"""

import warnings

import numpy as np
import pytest
import transport_reference as reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linear_sum_assignment
from sklearn.exceptions import ConvergenceWarning

from cycloid.ot import Status, solve

METHODS = ["auto", "sinkhorn", "sns"]


def points(n, m, seed=0, power=2):
    """Masses and costs of two clouds in the plane."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, 2)), rng.standard_normal((m, 2)) * 0.7 + [0.5, 0]
    M = (np.abs(x[:, None] - y) ** power).sum(2)
    a, b = rng.uniform(0.5, 1.5, n), rng.uniform(0.5, 1.5, m)
    return a / a.sum(), b / b.sum(), M


def assignment(n, seed=0):
    return np.random.default_rng(seed).random((n, n))


def check(result, a, b, M, reg, tol=1e-9):
    """What the result claims, from the potentials alone."""
    with np.errstate(under="ignore"):
        plan = np.exp((result.f[:, None] + result.g - M) / reg)
    assert_array_equal(result.plan(), plan)
    assert result.converged
    assert result.violation <= tol
    # Exponentials of two libraries differ by the rounding of their arguments.
    rounding = 2e-13 + 1e-15 * np.abs(M).max() / reg
    assert reference.violation(plan, a, b) == pytest.approx(result.violation, abs=rounding)
    scale = max(1, np.abs(M).max()) * a.sum()
    assert result.transport_cost == pytest.approx((plan * M).sum(), abs=1e-12 * scale)
    assert result.value == pytest.approx(
        reference.entropic_value(plan, M, reg), abs=1e-12 * scale + 1e-12 * reg
    )
    mass_a, mass_b = a > 0, b > 0
    dual = result.f[mass_a] @ a[mass_a] + result.g[mass_b] @ b[mass_b] - reg * plan.sum()
    assert result.dual_value == pytest.approx(dual, abs=1e-12 * scale)
    assert 0 <= result.gap < 1e-6 * scale


# ------------------------------------------------------------------------------- the solution


@pytest.mark.numerical
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n", "m", "reg"), [(20, 20, 1.0), (15, 25, 0.1), (25, 12, 0.05)])
def test_extended_precision(method, n, m, reg):
    a, b, M = points(n, m)
    result = solve(a, b, M, reg, method=method, tol=1e-12)
    plan, f, g = reference.sinkhorn(a, b, M, reg)
    check(result, a, b, M, reg, tol=1e-12)
    assert result.value == pytest.approx(float(reference.entropic_value(plan, M, reg)), abs=1e-10)
    assert_allclose(result.plan(), plan.astype(float), atol=1e-11)
    assert_allclose(result.f - result.f[0], (f - f[0]).astype(float), atol=1e-9)
    assert_allclose(result.g - result.g[0], (g - g[0]).astype(float), atol=1e-9)


@pytest.mark.numerical
@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("fraction", [1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5])
@pytest.mark.parametrize(("n", "m"), [(40, 40), (60, 35), (30, 70)])
def test_every_regularization(n, m, fraction, power):
    a, b, M = points(n, m, power=power)
    reg = fraction * np.median(M)
    check(solve(a, b, M, reg), a, b, M, reg)


def test_assignment_takes_few_passes():
    M = assignment(500)
    result = solve(None, None, M, 1 / 1200, tol=1e-12)
    assert result.converged
    assert result.violation <= 1e-12
    assert result.n_passes <= 40


@pytest.mark.numerical
@pytest.mark.parametrize("n", [5, 40, 150])
def test_the_linear_program_is_the_limit(n):
    M = assignment(n, seed=n)
    best = M[linear_sum_assignment(M)].mean()
    for reg in (1e-2, 1e-3, 1e-4, 1e-5):
        result = solve(None, None, M, reg)
        assert result.converged
        assert best - 1e-8 <= result.transport_cost <= best + reg * np.log(n) + 1e-8


@pytest.mark.parametrize("method", METHODS)
def test_one_row_one_column(method):
    M = np.array([[3.0, 1.0, 2.0]])
    b = np.array([0.2, 0.5, 0.3])
    row = solve([1.0], b, M, 0.1, method=method)
    assert_allclose(row.plan(), [b], rtol=1e-9)
    assert_allclose(solve(b, [1.0], M.T, 0.1, method=method).plan(), b[:, None], rtol=1e-9)
    single = solve([2.0], [2.0], [[7.0]], 0.5, method=method)
    assert_allclose(single.plan(), [[2.0]])
    assert single.value == pytest.approx(14 + 0.5 * 2 * (np.log(2) - 1))


@pytest.mark.numerical
@pytest.mark.parametrize("reg", [1.0, 0.03, 1e-4])
def test_bins_without_mass(reg):
    a, b, M = points(30, 20)
    a[[0, 7, 29]] = 0
    b[[3, 19]] = 0
    b *= a.sum() / b.sum()
    result = solve(a, b, M, reg)
    check(result, a, b, M, reg)
    assert_array_equal(result.f == -np.inf, a == 0)
    assert_array_equal(result.g == -np.inf, b == 0)
    inner = solve(a[a > 0], b[b > 0], M[np.ix_(a > 0, b > 0)], reg)
    assert_array_equal(result.plan()[np.ix_(a > 0, b > 0)], inner.plan())


@pytest.mark.numerical
@pytest.mark.parametrize("reg", [1.0, 1e-2, 1e-4])
def test_tiny_masses(reg):
    a, b, M = points(25, 30)
    a[:5] = 1e-30
    b[-4:] = 1e-30
    b *= a.sum() / b.sum()
    result = solve(a, b, M, reg, tol=1e-10)
    check(result, a, b, M, reg, tol=1e-10)
    plan = result.plan()
    assert_allclose(plan[:5].sum(1), 1e-30, rtol=1e-6)


def test_duplicates_and_constants():
    a, b, M = points(20, 20)
    M[10:] = M[:10]
    M[:, 5:10] = M[:, :5]
    check(solve(a, b, M, 0.01), a, b, M, 0.01)
    flat = np.full((20, 20), 3.0)
    for reg in (1e-3, 1.0):
        result = solve(a, b, flat, reg)
        check(result, a, b, flat, reg)
        assert_allclose(result.plan(), np.outer(a, b), rtol=1e-9)


@pytest.mark.numerical
@pytest.mark.parametrize("fraction", [1.0, 1e-2, 1e-5])
def test_costs_over_twelve_orders(fraction):
    rng = np.random.default_rng(3)
    M = 10 ** rng.uniform(-6, 6, (40, 30))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = solve(None, None, M, fraction * np.median(M))
    assert np.isfinite(result.f).all()
    assert np.isfinite(result.g).all()
    assert result.converged or result.status == Status.STALLED
    # No better than the rounding of the potentials allows.
    assert result.violation < max(1e-9, 1e-14 * M.max() / result.reg)


def test_negative_costs_and_shifts():
    a, b, M = points(20, 30)
    result, shifted = solve(a, b, M, 0.05), solve(a, b, M - 10, 0.05)
    assert_allclose(shifted.plan(), result.plan(), atol=1e-9)
    assert shifted.transport_cost == pytest.approx(result.transport_cost - 10)


def test_totals_are_kept():
    a, b, M = points(20, 30)
    one, many = solve(a, b, M, 0.05), solve(1e6 * a, 1e6 * b, M, 0.05)
    assert_allclose(many.plan(), 1e6 * one.plan(), rtol=1e-6)
    assert many.violation <= 1e-9
    check(many, 1e6 * a, 1e6 * b, M, 0.05)


def test_rounded_plan_is_within_the_gap():
    """The primal value of the rounded plan, formed here entry by entry."""
    a, b, M = points(20, 30)
    for most in (1, 3, 10):
        with pytest.warns(ConvergenceWarning):
            result = solve(a, b, M, 0.05, method="sinkhorn", max_iter=most)
        plan = result.plan()
        plan *= np.minimum(1, a / plan.sum(1))[:, None]
        plan *= np.minimum(1, b / plan.sum(0))
        e, h = a - plan.sum(1), b - plan.sum(0)
        plan += np.outer(e, h) / np.abs(e).sum()
        primal = reference.entropic_value(plan, M, 0.05)
        assert primal <= result.dual_value + result.gap + 1e-12
        assert solve(a, b, M, 0.05, tol=1e-12).value >= result.dual_value - 1e-12


# ---------------------------------------------------------------------------- methods, options


@pytest.mark.parametrize("reg", [3.0, 0.3, 0.03])
def test_between_gaussians(reg):
    # exp(2 x y / reg) couples x and y, so the plan has precision -2 / reg between them; with
    # variances s^2 and t^2 their covariance c solves 2 c^2 + reg c = 2 s^2 t^2.
    s, t, shift = 0.8, 1.1, 0.5
    x = np.linspace(-9.0, 9.0, 721)
    a, b = np.exp(-0.5 * (x / s) ** 2), np.exp(-0.5 * ((x - shift) / t) ** 2)
    a, b = a / a.sum(), b / b.sum()
    result = solve(a, b, np.subtract.outer(x, x) ** 2, reg, tol=1e-11)
    c = (np.sqrt(reg**2 + 16 * (s * t) ** 2) - reg) / 4
    assert result.transport_cost == pytest.approx(s**2 + t**2 - 2 * c + shift**2, abs=1e-8)
    P = result.plan()
    assert (x @ P @ (x - shift)) == pytest.approx(c, abs=1e-8)


def test_sns_converges_superlinearly_with_enough_entries():
    M = assignment(120, seed=2)
    result = solve(None, None, M, 1 / 300, method="sns", density=16 / 120, tol=1e-12)
    check(result, np.full(120, 1 / 120), np.full(120, 1 / 120), M, 1 / 300, tol=1e-12)
    newton = result.trace["violation"][result.trace["n_newton"] > 0]
    assert len(newton) <= 15
    assert newton[-1] < 1e-2 * newton[-2]


def test_sns_follows_its_numbers():
    M = assignment(60)
    with pytest.warns(ConvergenceWarning, match="MAX_ITER"):
        result = solve(None, None, M, 1 / 300, method="sns", n_sinkhorn=7, n_newton=2)
    assert result.trace["n_newton"].max() == 2
    assert result.n_iter == 9


def test_warm_start():
    a, b, M = points(60, 50)
    cold = solve(a, b, M, 1e-3, tol=1e-12)
    warm = solve(a, b, M, 1e-3, tol=1e-11, potentials_init=(cold.f, cold.g))
    assert warm.n_passes <= 3
    check(warm, a, b, M, 1e-3, tol=1e-11)
    turned = solve(b, a, np.asfortranarray(M.T), 1e-3, tol=1e-11, potentials_init=(cold.g, cold.f))
    assert turned.n_passes <= 3
    wrong = (np.zeros(60), np.linspace(-100, 100, 50))
    check(solve(a, b, M, 1e-2, potentials_init=wrong), a, b, M, 1e-2)


@pytest.mark.parametrize("method", METHODS)
def test_threads_give_the_same_bits(method):
    M = assignment(700)
    kwargs = {"method": method, "max_iter": 30, "tol": 1e-9}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        one = solve(None, None, M, 1e-2, n_threads=1, **kwargs)
        two = solve(None, None, M, 1e-2, n_threads=2, **kwargs)
    assert_array_equal(one.f, two.f)
    assert_array_equal(one.g, two.g)
    assert (one.value, one.gap, one.violation) == (two.value, two.gap, two.violation)


@pytest.mark.numerical
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize(
    "layout",
    [np.ascontiguousarray, np.asfortranarray, lambda M: np.repeat(M, 2, 1)[:, ::2],
     lambda M: np.flip(np.flip(M).copy()), lambda M: np.pad(M, 3)[3:-3, 3:-3]],
    ids=["C", "F", "strided", "reversed", "padded"],
)  # fmt: skip
def test_layouts_and_types(layout, dtype):
    a, b, M = points(30, 20)
    M = (10 * M).astype(dtype)
    view = layout(M)
    view.flags.writeable = False
    before = view.copy()
    result = solve(a, b, view, 0.5, tol=1e-12)
    check(result, a, b, M.astype(float), 0.5, tol=1e-12)
    assert_array_equal(view, before)


def test_lists_and_uniform_masses():
    M = [[0, 1, 2], [1, 0, 1]]
    result = solve(None, [], M, 0.1)
    assert_allclose(result.plan().sum(1), [0.5, 0.5])
    assert_allclose(result.plan().sum(0), [1 / 3] * 3)
    assert_array_equal(result.plan(), solve([1 / 2] * 2, [1 / 3] * 3, M, 0.1).plan())


def test_sparse_plan():
    a, b, M = points(50, 60)
    result = solve(a, b, M, 1e-2)
    plan, dropped = result.plan_sparse()
    assert plan.shape == (50, 60)
    assert plan.nnz < 1500
    assert plan.sum() + dropped == pytest.approx(1, abs=1e-9)
    assert 0 < dropped <= 5e-8
    dense = result.plan()
    some, left = result.plan_sparse(threshold=1e-3)
    assert_array_equal(some.toarray(), np.where(dense > 1e-3, dense, 0))
    assert left == pytest.approx(dense[dense <= 1e-3].sum())


# ------------------------------------------------------------------------- stopping, watching


def test_callback_sees_the_trace():
    rows = []
    M = assignment(300)
    result = solve(None, None, M, 1e-3, callback=rows.append)
    assert result.converged
    assert set(rows[0]) == set(result.trace)
    assert rows[-1]["violation"] == result.trace["violation"][-1]
    assert (np.diff(result.trace["reg"]) <= 0).all()
    assert result.trace["reg"][-1] == 1e-3


@pytest.mark.parametrize("method", METHODS)
def test_callback_stops(method):
    a, b, M = points(40, 30)
    with pytest.warns(ConvergenceWarning, match=r"Status\.STOPPED") as caught:
        result = solve(a, b, M, 1e-3, method=method, callback=lambda row: True)
    assert caught[0].filename == __file__
    assert result.status == Status.STOPPED
    assert np.isfinite(result.f).all()


def test_exception_in_a_callback_comes_out():
    def fail(row):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        solve(None, None, assignment(30), 0.01, callback=fail)


def test_keyboard_interrupt():
    def interrupt(row):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(None, None, assignment(30), 0.01, callback=interrupt)


@pytest.mark.parametrize("method", METHODS)
def test_time_limit(method):
    a, b, M = points(40, 30)
    with pytest.warns(ConvergenceWarning, match=r"Status\.TIME_LIMIT.*Increase time_limit"):
        result = solve(a, b, M, 1e-3, method=method, time_limit=0)
    assert result.status == Status.TIME_LIMIT
    assert np.isfinite(result.f).all()
    assert np.isfinite([result.value, result.gap, result.violation]).all()


def test_iteration_limit():
    with pytest.warns(ConvergenceWarning, match=r"solve: at reg=0.001 .*wanted 1e-09.*max_iter"):
        result = solve(None, None, assignment(50), 1e-3, method="sinkhorn", max_iter=5)
    assert result.status == Status.MAX_ITER
    assert result.n_iter == 5


def test_verbose_and_progress(capfd):
    solve(None, None, assignment(50), 1e-2, verbose=1)
    header, *lines = capfd.readouterr().out.splitlines()
    assert header.split()[:4] == ["iteration", "seconds", "reg", "violation"]
    assert lines
    solve(None, None, assignment(50), 1e-2)
    assert capfd.readouterr() == ("", "")
    pytest.importorskip("tqdm")
    solve(None, None, assignment(50), 1e-2, progress=True)
    assert "violation" in capfd.readouterr().err


# ----------------------------------------------------------------------------------- bad input

GOOD = {"a": [0.5, 0.5], "b": [0.3, 0.7], "M": [[0.0, 1.0], [1.0, 0.0]], "reg": 0.1}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"M": [[0, np.nan], [1, 0]]}, ValueError, r"M must be finite; got nan at index \(0, 1\)"),
        ({"M": [[0, 1], [-np.inf, 0]]}, ValueError, r"M must be finite; got -inf"),
        ({"M": [0.0, 1.0]}, ValueError, r"M must have shape \(n, m\)"),
        ({"M": np.empty((0, 2))}, ValueError, "M must not be empty"),
        ({"M": [["x", "y"], ["z", "w"]]}, TypeError, "M must hold real numbers"),
        ({"M": np.eye(2, dtype=complex)}, TypeError, "M must hold real numbers; got dtype complex"),
        ({"M": np.eye(2, dtype=object)}, TypeError, "M must hold real numbers; got dtype object"),
        ({"a": [0.5, -0.5]}, ValueError, "a must hold finite non-negative masses; got -0.5"),
        ({"b": [0.5, np.nan]}, ValueError, "b must hold finite non-negative masses; got nan"),
        ({"b": [0.5, np.inf]}, ValueError, "b must hold finite non-negative masses; got inf"),
        ({"a": [0.0, 0.0]}, ValueError, "a must have a positive total"),
        ({"a": [0.5, 0.25, 0.25]}, ValueError, r"a must have length 2 .* got 3"),
        ({"b": [[0.5], [0.5]]}, ValueError, r"b must have shape \(2,\)"),
        ({"a": np.array([0.5j, 0.5])}, TypeError, "a must hold real numbers"),
        ({"a": [1.0, 1.0]}, ValueError, r"a and b .* a.sum\(\) = 2 and b.sum\(\) = 1"),
        ({"reg": 0}, ValueError, "reg must be a number > 0"),
        ({"reg": -1.0}, ValueError, "reg must be a number > 0"),
        ({"reg": np.nan}, ValueError, "reg must be a number > 0"),
        ({"reg": np.inf}, ValueError, "reg must be finite"),
        ({"reg": "small"}, TypeError, "reg must be a number"),
        ({"reg": 5e-324}, ValueError, "reg must be such that M / reg is finite"),
        ({"tol": 0.0}, ValueError, "tol must be a number > 0"),
        ({"tol": None}, TypeError, "tol must be a number > 0"),
        ({"method": "newton"}, ValueError, "method must be one of 'auto', 'sinkhorn', 'sns'"),
        ({"max_iter": 0}, ValueError, "max_iter must be an integer >= 1"),
        ({"n_sinkhorn": -1}, ValueError, "n_sinkhorn"),
        ({"n_newton": 1.5}, TypeError, "n_newton"),
        ({"density": 0}, ValueError, "density"),
        ({"density": 2.0}, ValueError, "density"),
        ({"n_threads": 0}, ValueError, "n_threads"),
        ({"time_limit": -1}, ValueError, "time_limit"),
        ({"callback": 3}, TypeError, "callback must be callable"),
        ({"verbose": -1}, ValueError, "verbose"),
        ({"progress": 1}, TypeError, "progress"),
        ({"potentials_init": np.zeros(3)}, TypeError, "potentials_init must be a pair"),
        ({"potentials_init": ([0, 0], [0])}, ValueError, "potentials_init's g must have length 2"),
        ({"potentials_init": ([0, np.nan], [0, 0])}, ValueError, "potentials_init's f must be fin"),
        ({"potentials_init": ([0, 0], [0, -np.inf])}, ValueError, "potentials_init's g must be"),
    ],
)
def test_bad_input(changes, error, message):
    with pytest.raises(error, match=message):
        solve(**{**GOOD, **changes})


# ------------------------------------------------------------------------------- any problem


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    n, m = draw(st.integers(1, 40), label="n"), draw(st.integers(1, 40), label="m")
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    match draw(st.sampled_from(["plain", "zeros", "tiny", "uniform"]), label="masses"):
        case "zeros":
            a[1:][rng.random(n - 1) < 0.3] = 0
            b[1:][rng.random(m - 1) < 0.3] = 0
        case "tiny":
            a *= 10.0 ** -rng.integers(0, 31, n)
            b *= 10.0 ** -rng.integers(0, 31, m)
        case "uniform":
            a[:], b[:] = 1 / n, 1 / m
    b *= a.sum() / b.sum()
    match draw(st.sampled_from(["uniform", "integers", "line", "twins", "constant"]), label="M"):
        case "uniform":
            M = rng.random((n, m))
        case "integers":
            M = rng.integers(0, 4, (n, m)).astype(float)
        case "line":
            M = np.abs(np.subtract.outer(rng.random(n), rng.random(m)))
        case "twins":
            M = rng.random((n, m))
            M[n // 2 :] = M[: n - n // 2]
        case _:
            M = np.full((n, m), 0.5)
    reg = 10.0 ** draw(st.sampled_from([0, -1, -2, -3, -4]), label="log reg")
    return a, b, M, reg


@pytest.mark.numerical
@given(problems())
def test_any_problem(problem):
    a, b, M, reg = problem
    result = solve(a, b, M, reg)
    check(result, a, b, M, reg)
