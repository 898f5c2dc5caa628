"""Point clouds: the same problem as with their matrix of costs, without the matrix."""

import pickle
import signal
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.exceptions import ConvergenceWarning

from cycloid.ot import Status, solve, solve_points

pytestmark = pytest.mark.numerical

COSTS = ["sqeuclidean", "euclidean", "cityblock", "cosine"]
LARGE = 1700  # points: more pairs than are kept


def clouds(n, m, d, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, d)) + 0.3, random.uniform(-1, 2, size=(m, d))


def masses(n, seed):
    weights = np.random.default_rng(seed).uniform(0.2, 1, n)
    return weights / weights.sum()


def assert_agrees(result, X, Y, a, b, reg, cost, tol=1e-10):
    expected = solve(a, b, cdist(X, Y, cost), reg, tol=result.tolerance)
    scale = max(abs(expected.transport_cost), abs(expected.value), 1.0)
    assert result.converged
    assert expected.converged
    assert result.value == pytest.approx(expected.value, abs=tol * scale)
    assert result.transport_cost == pytest.approx(expected.transport_cost, abs=tol * scale)
    np.testing.assert_allclose(result.plan(), expected.plan(), atol=tol)


def violation(result, a, b):
    plan = result.plan()
    return abs(plan.sum(1) - a).sum() + abs(plan.sum(0) - b).sum()


# ------------------------------------------------------------------------------ the same answers


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("d", [1, 2, 3, 4, 7, 100])
def test_agrees_with_the_matrix(cost, d):
    X, Y = clouds(60, 45, d)
    a, b = masses(60, 1), masses(45, 2)
    reg = 0.05 * cdist(X, Y, cost).mean()
    result = solve_points(X, Y, a, b, reg, cost=cost, tol=1e-12)
    assert_agrees(result, X, Y, a, b, reg, cost)


@pytest.mark.parametrize("method", ["auto", "sinkhorn", "sns"])
def test_all_methods(method):
    X, Y = clouds(30, 40, 2)
    result = solve_points(X, Y, None, None, 1.0, method=method, density=0.9)
    assert_agrees(result, X, Y, None, None, 1.0, "sqeuclidean", tol=1e-8)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 40),
    m=st.integers(1, 40),
    d=st.integers(1, 6),
    cost=st.sampled_from(COSTS[:3]),
    exponent=st.integers(-6, 6),
    seed=st.integers(0, 2**16),
)
def test_any_clouds(n, m, d, cost, exponent, seed):
    random = np.random.default_rng(seed)
    X, Y = (random.integers(-3, 4, size=(k, d)) * 10.0**exponent for k in (n, m))  # duplicates
    a, b = random.integers(0, 3, n) + 0.0, random.integers(0, 3, m) + 0.0
    a[random.integers(n)], b[random.integers(m)] = 1, 1
    a, b = a / a.sum(), b / b.sum()
    costs = cdist(X, Y, cost)
    reg = 0.1 * costs.max() or 1.0
    result = solve_points(X, Y, a, b, reg, cost=cost)
    assert result.converged
    assert violation(result, a, b) <= 1.01e-9
    expected = solve(a, b, costs, reg)
    assert result.value == pytest.approx(expected.value, abs=1e-8 * max(reg, abs(expected.value)))
    assert (np.isinf(result.f) == (a == 0)).all()
    assert (np.isinf(result.g) == (b == 0)).all()


def test_callable_equals_the_named_cost():
    X, Y = clouds(50, 30, 3)
    seen = []

    def cost(block, points):
        seen.append(block.shape)
        assert points.shape == (30, 3)
        return ((block[:, None] - points) ** 2).sum(-1)

    result = solve_points(X, Y, None, None, 0.2, cost=cost)
    assert_agrees(result, X, Y, None, None, 0.2, "sqeuclidean", tol=1e-9)
    assert all(shape[1] == 3 for shape in seen)


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.astype(np.float32),
        lambda X: np.asfortranarray(X),
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: np.repeat(X, 2, axis=1)[:, ::2],
        lambda X: X[::-1][::-1],
        lambda X: X.tolist(),
        lambda X: np.round(X * 8).astype(int) / 8,
    ],
)
def test_layouts(change):
    X, Y = clouds(25, 35, 2)
    X, Y = np.round(X * 8) / 8, np.round(Y * 8) / 8
    expected = solve_points(X, Y, None, None, 0.3)
    result = solve_points(change(X), change(Y), None, None, 0.3)
    np.testing.assert_array_equal(result.f, expected.f)


def test_input_is_not_changed():
    X, Y = clouds(25, 35, 2)
    before = X.copy(), Y.copy()
    X.flags.writeable = Y.flags.writeable = False
    solve_points(X, Y, None, None, 0.3, cost="cosine")
    assert (before[0] == X).all()
    assert (before[1] == Y).all()


def test_one_point():
    result = solve_points([[0.0, 3.0]], [[4.0, 0.0]], None, None, 1e-3, cost="euclidean")
    assert result.transport_cost == pytest.approx(5.0, abs=1e-12)
    many = solve_points([[0.0]], [[1.0], [2.0], [2.0]], None, [0.5, 0.25, 0.25], 1e-3)
    assert many.transport_cost == pytest.approx(2.5, abs=1e-12)


def test_warm_start():
    X, Y = clouds(200, 150, 2)
    first = solve_points(X, Y, None, None, 0.05)
    again = solve_points(X, Y, None, None, 0.05, potentials_init=(first.f, first.g))
    assert again.n_iter == 0
    assert again.converged


def test_result_can_be_pickled():
    X, Y = clouds(20, 10, 2)
    result = solve_points(X, Y, None, None, 0.5)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(result)).plan(), result.plan())


# ---------------------------------------------------------------------------------- large clouds


@pytest.fixture(scope="module")
def large():
    random = np.random.default_rng(5)
    centres = random.normal(size=(3, 2)) * 3
    X, Y = (
        centres[random.integers(3, size=n)] + 0.6 * random.normal(size=(n, 2)) + shift
        for n, shift in ((LARGE, 0.0), (LARGE - 300, 1.0))
    )
    X[:50] = X[0]  # duplicates
    a = random.uniform(0.5, 1, len(X))
    a[100:150] = 0
    return X, Y, a / a.sum(), np.full(len(Y), 1 / len(Y))


def sparse_violation(result, a, b):
    plan, dropped = result.plan_sparse(1e-16)
    return abs(plan.sum(1) - a).sum() + abs(plan.sum(0) - b).sum(), dropped


@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean"])
def test_coarse_to_fine(large, cost):
    X, Y, a, b = large
    reg = 1e-2 * np.median(cdist(X[::20], Y[::20], cost))
    result = solve_points(X, Y, a, b, reg, cost=cost, tol=1e-6, n_threads=1)
    assert result.converged
    assert result.n_passes < 40
    found, dropped = sparse_violation(result, a, b)
    assert found == pytest.approx(result.violation, abs=1e-8)
    assert dropped < 1e-8
    assert 0 <= result.gap < 1e-4 * abs(result.value)
    assert np.isinf(result.f[100:150]).all()


def test_threads_change_nothing(large):
    X, Y, a, b = large
    results = [solve_points(X, Y, a, b, 0.3, tol=1e-5, n_threads=threads) for threads in (1, 2)]
    np.testing.assert_array_equal(results[0].g, results[1].g)
    assert results[0].value == results[1].value


def test_time_limit_is_noticed_in_a_pass(large):
    X, Y = (np.tile(points, (4, 1)) for points in large[:2])
    seconds = []
    with pytest.warns(ConvergenceWarning):
        result = solve_points(
            X, Y, None, None, 0.3, time_limit=0.3, n_threads=1,
            callback=lambda row: seconds.append(row["seconds"]),
        )  # fmt: skip
    assert result.status == Status.TIME_LIMIT
    assert max(seconds, default=0.0) < 3.0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
def test_interruption_is_noticed_in_a_pass(large):
    X, Y = (np.tile(points, (6, 1)) for points in large[:2])

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.4)
        start = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            solve_points(X, Y, None, None, 0.3, tol=1e-8, n_threads=1)
        assert time.perf_counter() - start < 1.5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_callback_raises(large):
    X, Y, a, b = large

    def callback(row):
        raise ZeroDivisionError("here")

    with pytest.raises(ZeroDivisionError, match="here"):
        solve_points(X, Y, a, b, 0.3, callback=callback)


# ------------------------------------------------------------------------------------- bad input


def test_costs_that_fail():
    X, Y = clouds(20, 10, 2)

    def raises(block, points):
        raise LookupError("no such cost")

    wrong = {
        "shape": lambda block, points: np.ones((len(block), 3)),
        "finite": lambda block, points: np.full((len(block), len(points)), np.nan),
        "finite, over reg": lambda block, points: np.full((len(block), len(points)), 1e308),
        "real": lambda block, points: np.full((len(block), len(points)), "a"),
    }
    with pytest.raises(LookupError, match="no such cost"):
        solve_points(X, Y, None, None, 0.1, cost=raises)
    for match, cost in wrong.items():
        with pytest.raises((ValueError, TypeError), match=f"cost must return.*{match}"):
            solve_points(X, Y, None, None, 0.1, cost=cost)


def test_a_cost_that_fails_late():
    X, Y = clouds(20, 10, 2)
    calls = []

    def cost(block, points):
        calls.append(len(block))
        if len(calls) > 1:
            raise KeyboardInterrupt
        return cdist(block, points)

    result = solve_points(X, Y, None, None, 0.5, cost=cost)
    with pytest.raises(KeyboardInterrupt):
        result.plan()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"X": np.ones(3)}, "X must be a non-empty matrix"),
        ({"X": np.ones((0, 2))}, "X must be a non-empty matrix"),
        ({"Y": np.ones((4, 3))}, "points of one dimension; got 2 and 3"),
        ({"X": [[np.nan, 1.0]]}, "X contains NaN"),
        ({"Y": [[np.inf, 1.0]]}, "Y contains infinity"),
        ({"X": [[1e200, 1.0]]}, "reg must be such that costs / reg are finite"),
        ({"a": [0.5, 0.5, 0.5]}, "a must have length 2"),
        ({"b": [0.5, -0.5, 1.0]}, "b must hold finite non-negative"),
        ({"b": [0.5, 0.5, 1.0]}, "same total"),
        ({"reg": 0}, "reg must be a number > 0"),
        ({"reg": np.nan}, "reg must be a number > 0"),
        ({"cost": "manhattan"}, "cost must be one of"),
        ({"cost": "cosine", "X": [[0.0, 0.0], [1, 1]]}, "got one in X at index 0"),
        ({"method": "newton"}, "method must be one of"),
        ({"potentials_init": ([0.0, 0.0], [0.0])}, "g must have length 3"),
    ],
)
def test_bad_values(arguments, match):
    given = {"X": np.ones((2, 2)), "Y": np.eye(3)[:, :2] + 1, "a": None, "b": None, "reg": 1.0}
    with pytest.raises(ValueError, match=match):
        solve_points(**(given | arguments))


def test_bad_types():
    X, Y = clouds(3, 4, 2)
    with pytest.raises(TypeError, match="cost must be one of"):
        solve_points(X, Y, None, None, 1.0, cost=3)
    with pytest.raises(TypeError, match="reg must be"):
        solve_points(X, Y, None, None, "small")


def test_sns_refuses_to_store_a_large_plan():
    X = np.zeros((8200, 1))
    with pytest.raises(ValueError, match="method='sns' stores the plan"):
        solve_points(X, X, None, None, 1.0, method="sns")


def test_not_converged_warns():
    X, Y = clouds(50, 40, 2)
    with pytest.warns(ConvergenceWarning, match="solve_points: at reg=0.001 "):
        result = solve_points(X, Y, None, None, 1e-3, max_iter=2)
    assert result.status == Status.MAX_ITER
    assert 0 < result.violation <= 2
