"""Robust training in the core: optimal values, worst cases, certificates, attacks."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cycloid import _core

pytestmark = pytest.mark.numerical

LOSSES = ["hinge", "squared_hinge", "logistic", "squared"]
NORMS = ["linf", "l2"]
QUIET = {"n_threads": 1, "observer": None}


def ball(radius, norm, columns):
    return {"radius": radius, "norm": norm, "n_perturbed": columns}


def problem(n=20, d=2, seed=1):
    rng = np.random.default_rng(seed)
    X = np.asfortranarray(np.c_[rng.standard_normal((n, d)), np.ones(n)])
    return X, np.where(X[:, 0] * X[:, -2] > 0, 1.0, -1.0)


def some_patterns(X, around, seed=0, count=40):
    directions = np.random.default_rng(seed).standard_normal((X.shape[1], count))
    return _core.gap_patterns(X, np.asfortranarray(directions), **around, most=2, observer=None)


def solve(X, y, active, generators, around, **options):
    n_patterns = active.shape[1]
    settings = {
        "loss": "hinge",
        "alpha": 0.01,
        "intercept": True,
        "v": None,
        "c": 0.0,
        "rtol": 1e-6,
        "max_iter": 50_000,
        "time_limit": 30.0,
    }
    return _core.solve_robust_relu(
        X,
        y,
        None,
        active=active,
        generators=generators,
        pattern=np.repeat(np.arange(n_patterns), 2),
        direction=np.tile([1.0, -1.0], n_patterns),
        **around,
        **(settings | options),
        **QUIET,
    )


def plain_loss(loss, z, y):
    return {
        "hinge": np.maximum(0, 1 - y * z),
        "squared_hinge": np.maximum(0, 1 - y * z) ** 2,
        "logistic": np.logaddexp(0, -y * z),
        "squared": (z - y) ** 2 / 2,
    }[loss]


def cvxpy_value(X, y, active, loss, alpha, around, intercept):
    cp = pytest.importorskip("cvxpy")
    n, d = X.shape
    columns, q = around["n_perturbed"], 1 if around["norm"] == "linf" else 2
    V, W = cp.Variable((d, active.shape[1])), cp.Variable((d, active.shape[1]))
    c = cp.Variable() if intercept else 0
    z = cp.sum(cp.multiply(active, X @ (V - W)), axis=1) + c
    reach = around["radius"] * cp.norm(active @ (V - W)[:columns].T, q, axis=1)
    short_by = 1 - cp.multiply(y, z) + reach
    total = {
        "hinge": lambda: cp.sum(cp.pos(short_by)),
        "squared_hinge": lambda: cp.sum_squares(cp.pos(short_by)),
        "logistic": lambda: cp.sum(cp.logistic(short_by - 1)),
        "squared": lambda: cp.sum_squares(cp.abs(z - y) + reach) / 2,
    }[loss]()
    signs = 2.0 * active - 1
    constraints = [
        cp.multiply(signs[:, p], X @ M[:, p]) >= around["radius"] * cp.norm(M[:columns, p], q)
        for M in (V, W)
        for p in range(active.shape[1])
    ]
    norms = cp.sum(cp.norm(V, 2, axis=0)) + cp.sum(cp.norm(W, 2, axis=0))
    return cp.Problem(cp.Minimize(total / n + alpha * norms), constraints).solve(solver=cp.CLARABEL)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("intercept", [True, False])
def test_value_is_that_of_an_interior_point_method(loss, norm, intercept):
    X, y = problem(15)
    around = ball(0.05, norm, 2)
    active, generators = some_patterns(X, around, count=10)
    expected = cvxpy_value(X, y, active, loss, 0.02, around, intercept)
    out = solve(
        X, y, active, generators, around, loss=loss, alpha=0.02, intercept=intercept, rtol=3e-7
    )
    assert out["status"] == _core.Status.CONVERGED
    assert out["objective"] == pytest.approx(expected, rel=1e-6)
    assert out["lower_bound"] <= expected * (1 + 1e-7)


@pytest.mark.parametrize("loss", LOSSES)
def test_value_is_the_worst_case_of_the_network(loss):
    X, y = problem(20, 3)
    around = ball(0.1, "linf", 3)
    active, generators = some_patterns(X, around)
    out = solve(X, y, active, generators, around, loss=loss, rtol=1e-4, max_iter=2000)
    v, signs = out["v"], np.tile([1.0, -1.0], active.shape[1])

    def losses(moves):
        Z = np.maximum((X + np.c_[moves, np.zeros(len(X))]) @ v, 0) @ signs + out["c"]
        return plain_loss(loss, Z, y)

    penalty = 0.01 * np.linalg.norm(v, axis=0).sum()
    corners = [
        losses(np.tile(np.multiply(0.1, s), (len(X), 1)))
        for s in itertools.product([-1, 1], repeat=3)
    ]
    worst = np.max(corners, axis=0)
    assert worst.mean() + penalty == pytest.approx(out["objective"], rel=1e-9)
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert (losses(rng.uniform(-0.1, 0.1, (len(X), 3))) <= worst + 1e-12).all()


def test_more_patterns_and_a_smaller_ball_never_hurt():
    X, y = problem(25)
    values = []
    for radius in (0.2, 0.1, 0.05):
        around = ball(radius, "linf", 2)
        active, generators = some_patterns(X, around)
        values.append(solve(X, y, active, generators, around, rtol=1e-4)["objective"])
        few = [np.asfortranarray(a[:, :2]) for a in (active, generators)]
        assert solve(X, y, *few, around, rtol=1e-4)["objective"] >= values[-1] * (1 - 2e-4)
    assert values[0] > values[1] > values[2]


def test_a_warm_start_is_never_made_worse():
    X, y = problem(20)
    around = ball(0.05, "linf", 2)
    active, generators = some_patterns(X, around)
    first = solve(X, y, active, generators, around, rtol=1e-4)
    again = solve(
        X, y, active, generators, around, v=first["v"], c=first["c"], max_iter=1, rtol=0.0
    )
    assert again["objective"] <= first["objective"] * (1 + 1e-12)


@given(seed=st.integers(0, 99), n=st.integers(1, 12), norm=st.sampled_from(NORMS))
def test_gaps_have_generators_inside(seed, n, norm):
    X, _ = problem(n, 3, seed)
    X[n // 2] = X[0]
    active, generators = some_patterns(X, ball(0.1, norm, 3), seed)
    assert (active[:, 0] == 1).all()
    assert len(np.unique(active, axis=1).T) == active.shape[1]
    reach = 0.1 * np.linalg.norm(generators[:3], 1 if norm == "linf" else 2, axis=0)
    assert (np.where(active == 1, 1, -1) * (X @ generators) > reach - 1e-12).all()


def test_generators_only_of_cones_with_an_interior():
    X = np.asfortranarray([[0.0, 1.0], [0.15, 1.0]])
    active = np.asfortranarray([[0, 1], [1, 1]], dtype=np.uint8)
    for radius, count in ((0.07, 2), (0.08, 1)):
        kept, generators = _core.robust_generators(
            X, active, **ball(radius, "linf", 1), max_iter=20_000, **QUIET
        )
        assert kept.shape == (2, count)
        assert_allclose(np.linalg.norm(generators, axis=0), 1)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_certificates_and_attacks_enclose_the_worst_margin(norm, n_outputs):
    rng = np.random.default_rng(2)
    X, _ = problem(30)
    u = np.asfortranarray(rng.standard_normal((3, 10)))
    a = np.asfortranarray(rng.standard_normal((n_outputs, 10)))
    network = {"u": u, "a": a, "c": rng.standard_normal(n_outputs)}

    def margins(points, k):
        f = np.maximum(points @ u, 0) @ a.T + network["c"]
        if n_outputs == 1:
            return labels[k] * f[:, 0]
        return f[:, labels[k]] - np.delete(f, labels[k], axis=1).max(axis=1)

    f = np.maximum(X @ u, 0) @ a.T + network["c"]
    labels = f.argmax(axis=1) if n_outputs > 1 else np.sign(f[:, 0]).astype(int)
    around = ball(0.2, norm, 2)
    lower, upper = _core.certify_relu(X, labels, **network, **around, max_nodes=2000, **QUIET)
    moved, found = _core.attack_relu(
        X,
        labels,
        **network,
        **around,
        steps=40,
        restarts=5,
        seed=0,
        low=-np.inf,
        high=np.inf,
        **QUIET,
    )
    grid = 0.2 * np.stack(np.meshgrid(*[np.linspace(-1, 1, 41)] * 2), axis=-1).reshape(-1, 2)
    if norm == "l2":
        grid = grid[np.linalg.norm(grid, axis=1) <= 0.2]
    for k in range(len(X)):
        worst = margins(X[k] + np.c_[grid, np.zeros(len(grid))], k).min()
        assert lower[k] <= worst + 1e-12
        assert lower[k] <= upper[k]
        assert margins(moved[[k]], k)[0] == pytest.approx(found[k])
        assert found[k] >= lower[k] - 1e-12
        assert (lower[k] > 0) == (found[k] > 0)


def test_attack_keeps_within_limits():
    X, y = problem(10)
    X[:, :2] = np.clip(X[:, :2], 0, 1)
    network = {
        "u": np.asfortranarray(np.eye(3)),
        "a": np.asfortranarray([[1.0, -1.0, 0.5]]),
        "c": np.zeros(1),
    }
    moved, _ = _core.attack_relu(
        X,
        y.astype(int),
        **network,
        **ball(0.3, "linf", 2),
        steps=10,
        restarts=3,
        seed=1,
        low=0.0,
        high=1.0,
        **QUIET,
    )
    assert (moved >= 0).all()
    assert (moved <= 1).all()
    assert (moved[:, 2] == 1).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"norm": "l1"},
        {"n_perturbed": 4},
        {"loss": "huber"},
    ],
)
def test_bad_input_is_named(wrong):
    X, y = problem(10)
    around = ball(0.1, "linf", 2)
    active, generators = some_patterns(X, around)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        solve(
            X,
            y,
            active,
            generators,
            around | {k: wrong[k] for k in wrong if k in around},
            **{k: wrong[k] for k in wrong if k not in around},
        )
