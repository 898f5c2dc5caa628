"""The core's training of ReLU networks, against plain numpy, SciPy and the theory."""

from __future__ import annotations

from math import comb, inf
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.preprocessing import scale

from cycloid import _core

pytestmark = pytest.mark.numerical


def train(X, y, **options: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "loss": "squared",
        "loss_parameter": 0.5,
        "alpha": 1e-2,
        "mode": "refined",
        "n_neurons": 20,
        "n_restarts": 4,
        "n_patterns": 20,
        "max_rounds": 30,
        "tol": 1e-3,
        "intercept": True,
        "start": None,
        "most_work": inf,
        "seed": 0,
        "n_threads": 1,
        "time_limit": inf,
        "observer": None,
    }
    y = np.asarray(y, dtype=float).reshape(len(X), -1)
    return _core.relu_train(
        np.asfortranarray(X, dtype=float), np.asfortranarray(y), None, **defaults | options
    )


def patterns(X, source: str, n_patterns: int = 50, radius: float = 0.0, seed: int = 0):
    return _core.relu_patterns(
        np.asfortranarray(X, dtype=float),
        source=source,
        n_patterns=n_patterns,
        radius=radius,
        seed=seed,
        n_threads=1,
        observer=None,
    )


def mean_loss(Z, y, loss: str, parameter: float = 0.5) -> tuple[float, np.ndarray]:
    """Value and derivative."""
    n, r, t = len(Z), y - Z, y * Z
    if loss == "squared":
        value, slope = r**2 / 2, -r
    elif loss == "logistic":
        value, slope = np.logaddexp(0, -t), -y / (1 + np.exp(t))
    elif loss == "hinge":
        value, slope = np.maximum(1 - t, 0), np.where(t < 1, -y, 0.0)
    elif loss == "squared_hinge":
        value, slope = np.maximum(1 - t, 0) ** 2, -2 * y * np.maximum(1 - t, 0)
    elif loss == "huber":
        small = np.abs(r) <= parameter
        value = np.where(small, r**2 / 2, parameter * (np.abs(r) - parameter / 2))
        slope = -np.clip(r, -parameter, parameter)
    elif loss == "quantile":
        value = np.maximum(parameter * r, (parameter - 1) * r)
        slope = np.where(r > 0, -parameter, 1 - parameter)
    else:
        shifted = np.exp(Z - Z.max(axis=1, keepdims=True))
        share = shifted / shifted.sum(axis=1, keepdims=True)
        value, slope = -y * np.log(share), share - y
    return value.sum() / n, slope / n


def objective(z, X, y, loss: str, alpha: float, m: int) -> tuple[float, np.ndarray]:
    d, c = X.shape[1], y.shape[1]
    u, a, intercept = z[: d * m].reshape(d, m), z[d * m : -c].reshape(c, m), z[-c:]
    products = X @ u
    hidden = np.maximum(products, 0)
    value, slope = mean_loss(hidden @ a.T + intercept, y, loss)
    gradient = [
        X.T @ ((slope @ a) * (products > 0)) + alpha * u,
        slope.T @ hidden + alpha * a,
        slope.sum(axis=0),
    ]
    penalty = alpha / 2 * ((u**2).sum() + (a**2).sum())
    return value + penalty, np.concatenate([g.ravel() for g in gradient])


def value_of(result, X, y, loss: str = "squared", alpha: float = 1e-2) -> float:
    y = np.asarray(y, dtype=float).reshape(len(X), -1)
    z = np.concatenate([result["u"].ravel(), result["a"].ravel(), result["c"].ravel()])
    return objective(z, X, y, loss, alpha, result["u"].shape[1])[0]


def local_searches(X, y, loss: str, alpha: float, m: int, count: int, max_iter: int):
    """Objectives that SciPy's L-BFGS-B reaches from random starts."""
    y = np.asarray(y, dtype=float).reshape(len(X), -1)
    d, c = X.shape[1], y.shape[1]
    values = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        u, a = rng.normal(size=d * m) / np.sqrt(d * m), rng.normal(size=c * m) / np.sqrt(c * m)
        z = np.concatenate([u, a, np.zeros(c)])
        found = minimize(
            objective,
            z,
            args=(X, y, loss, alpha, m),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": max_iter, "maxfun": 2 * max_iter, "ftol": 1e-13, "gtol": 1e-9},
        )
        values.append(found.fun)
    return values


@pytest.mark.parametrize(("n", "d"), [(12, 2), (25, 2), (20, 3), (12, 5)])
def test_no_local_search_beats_the_global_optimum(n, d):
    rng = np.random.default_rng(n + d)
    X, y = rng.normal(size=(n, d)), rng.normal(size=n)
    X[:, -1] = 1
    found = train(X, y, mode="all", tol=1e-6)
    assert found["status"] == _core.Status.CONVERGED
    assert found["bound_is_rigorous"]
    assert found["objective"] - found["lower_bound"] <= 1e-6 * found["objective"]
    assert found["objective"] == pytest.approx(value_of(found, X, y), rel=1e-10)
    best = min(local_searches(X, y, "squared", 1e-2, 10, 8, 200))
    assert best >= found["objective"] - 1e-6 * found["objective"]
    assert best >= found["lower_bound"]
    assert found["u"].shape[1] <= n + 1


@pytest.mark.parametrize("loss", ["logistic", "hinge", "squared_hinge", "huber", "quantile"])
def test_the_bound_closes_for_every_loss(loss):
    rng = np.random.default_rng(5)
    X = np.c_[rng.normal(size=(20, 1)), np.ones(20)]
    y = np.sign(np.sin(3 * X[:, 0])) if loss not in {"huber", "quantile"} else rng.normal(size=20)
    found = train(X, y, loss=loss, mode="all", tol=1e-6)
    assert found["status"] == _core.Status.CONVERGED
    assert found["objective"] == pytest.approx(value_of(found, X, y, loss), rel=1e-10)
    assert min(local_searches(X, y, loss, 1e-2, 10, 3, 200)) >= found["lower_bound"]


@pytest.mark.parametrize(
    ("load", "loss", "alpha"),
    [
        (load_diabetes, "squared", 1e-2),
        (load_breast_cancer, "logistic", 1e-2),
        (load_digits, "softmax", 3e-2),
    ],
)
def test_lower_than_local_searches_on_real_data(load, loss, alpha):
    X, y = load(return_X_y=True)
    X, y = X[:80], y[:80].astype(float)
    X = np.c_[scale(X)[:, X.std(axis=0) > 0], np.ones(len(X))]
    if loss == "squared":
        y = scale(y)
    y = np.eye(10)[y.astype(int)] if loss == "softmax" else (2 * y - 1 if loss == "logistic" else y)
    found = train(X, y, loss=loss, alpha=alpha, n_neurons=20, max_rounds=1)
    assert found["objective"] == pytest.approx(value_of(found, X, y, loss, alpha), rel=1e-10)
    assert found["objective"] <= min(local_searches(X, y, loss, alpha, 20, 2, 300)) * (1 + 1e-6)
    assert found["rigorous_bound"] <= found["lower_bound"] <= found["objective"]
    assert not found["bound_is_rigorous"]
    columns = found["trace"]
    assert np.all(np.diff(columns["objective"]) <= 0)
    assert np.all(np.diff(columns["lower_bound"][columns["round"] > 0]) >= 0)


def test_rounds_without_convex_programs_work_too():
    X, y = load_diabetes(return_X_y=True)
    X, y = np.c_[scale(X[:100]), np.ones(100)], scale(y[:100])
    start = train(X, y, max_rounds=0)
    found = train(X, y, most_work=0.0, max_rounds=4)
    assert found["n_programs"] == 0
    assert np.isnan(found["program_gap"])
    assert start["lower_bound"] == -inf
    assert found["lower_bound"] <= found["objective"] < start["objective"]


def test_random_patterns_are_the_published_program():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(40, 4)), rng.normal(size=40)
    few = train(X, y, mode="random", n_patterns=5)
    many = train(X, y, mode="random", n_patterns=60)
    best = train(X, y)
    assert few["n_patterns"] == 5
    assert few["n_blocks"] == 10
    assert few["objective"] > many["objective"] > best["objective"]
    assert few["lower_bound"] <= best["objective"]


def test_a_start_is_never_made_worse():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 2))
    first = train(X, y, intercept=False, max_rounds=1)
    assert not first["c"].any()
    start = (first["u"], first["a"], first["c"])
    again = train(X, y, intercept=False, start=start, n_restarts=0, max_rounds=0)
    assert again["objective"] <= first["objective"] * (1 + 1e-14)
    assert again["objective"] == pytest.approx(value_of(again, X, y), rel=1e-10)


def test_the_same_for_every_number_of_threads():
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(600, 20)), rng.normal(size=600)
    options = {"max_rounds": 0, "n_restarts": 1, "n_neurons": 60, "alpha": 1.0}
    one = train(X, y, **options)
    two = train(X, y, n_threads=2, **options)
    np.testing.assert_array_equal(one["u"], two["u"])


def test_time_limit_and_observer_end_the_training():
    X, y = load_diabetes(return_X_y=True)
    X = scale(X)
    assert train(X, scale(y), time_limit=0.05)["status"] == _core.Status.TIME_LIMIT
    rows: list[dict[str, float]] = []

    def watch(row: dict[str, float]) -> bool:
        rows.append(row)
        return len(rows) == 2

    assert train(X, scale(y), observer=watch)["status"] == _core.Status.STOPPED
    assert len(rows) == 2
    assert rows[1]["objective"] <= rows[0]["objective"]

    def broken(row: dict[str, float]) -> bool:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        train(X, scale(y), observer=broken)


@pytest.mark.parametrize("n", [1, 2])
def test_tiny_data(n):
    X, y = np.ones((n, 1)), np.arange(n, dtype=float)
    found = train(X, y, mode="all", tol=1e-6)
    assert found["objective"] == pytest.approx(value_of(found, X, y), abs=1e-12)
    assert found["objective"] == pytest.approx(np.var(y) / 2, abs=1e-9)  # the intercept does it


def test_zero_and_equal_rows():
    rng = np.random.default_rng(8)
    X, y = np.repeat(rng.normal(size=(8, 2)), 2, axis=0), rng.normal(size=16)
    X[:3] = 0
    found = train(X, y, mode="all", tol=1e-6, alpha=1e-3)
    assert found["status"] == _core.Status.CONVERGED
    assert np.isfinite(found["objective"])
    zero = train(np.zeros((4, 2)), y[:4], mode="all")
    assert zero["u"].shape == (2, 0)
    assert zero["objective"] == pytest.approx(np.var(y[:4]) / 2)


def test_a_large_penalty_gives_no_neurons():
    rng = np.random.default_rng(9)
    X, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    found = train(X, y, alpha=100.0)
    assert found["u"].shape == (3, 0)
    assert found["a"].shape == (1, 0)
    assert found["status"] == _core.Status.CONVERGED
    assert found["objective"] == pytest.approx(np.var(y) / 2)


@pytest.mark.parametrize(("n", "d"), [(1, 1), (7, 2), (20, 3), (9, 5), (6, 8)])
def test_all_patterns_are_as_many_as_cover_counted(n, d):
    X = np.random.default_rng(n * d).normal(size=(n, d))
    found = patterns(X, "all")
    active, generators = found["active"], found["generators"]
    assert active.shape[1] == 2 * sum(comb(n - 1, k) for k in range(min(n, d)))
    assert len(np.unique(active, axis=1).T) == active.shape[1]
    np.testing.assert_array_equal(X @ generators >= 0, active == 1)
    assert np.all(X @ generators != 0)


@pytest.mark.parametrize("source", ["gaussian", "differences", "perturbed"])
def test_sampled_patterns_are_distinct_and_reproducible(source):
    X = np.random.default_rng(1).normal(size=(40, 6))
    found = patterns(X, source, 30, 0.1)["active"]
    assert found.shape == (40, 30)
    assert found.dtype == np.uint8
    assert len(np.unique(found, axis=1).T) == 30
    np.testing.assert_array_equal(found, patterns(X, source, 30, 0.1)["active"])
    assert not np.array_equal(found, patterns(X, source, 30, 0.1, seed=1)["active"])


def test_what_cannot_be_done_is_said():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(300, 6)), rng.normal(size=300)
    with pytest.raises(ValueError, match="activation patterns"):
        train(X, y, mode="all")
    with pytest.raises(ValueError, match="too many activation patterns"):
        patterns(X, "all")
    with pytest.raises(ValueError, match="one output"):
        train(X[:5, :2], rng.normal(size=(5, 2)), mode="all")
    with pytest.raises(ValueError, match="start must hold"):
        train(X, y, start=(np.ones((6, 2), order="F"), np.ones((1, 3)), np.ones((1, 1))))
