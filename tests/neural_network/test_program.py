"""The core's convex program of a ReLU network, checked against plain numpy."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import logsumexp, xlogy

from cycloid import _core
from cycloid._core import Status

pytestmark = pytest.mark.numerical

LOSSES = ("squared", "logistic", "hinge", "squared_hinge", "huber", "quantile", "softmax")
PARAMETER = {"huber": 0.7, "quantile": 0.3}


def value(loss, z, y, weights):
    """L(Z), by the definition."""
    r, margin, delta = y - z, y * z, PARAMETER.get(loss)
    if loss == "softmax":
        return weights @ (logsumexp(z, axis=1) - (y * z).sum(axis=1))
    each = {
        "squared": lambda: r**2 / 2,
        "logistic": lambda: np.logaddexp(0, -margin),
        "hinge": lambda: np.maximum(0, 1 - margin),
        "squared_hinge": lambda: np.maximum(0, 1 - margin) ** 2,
        "huber": lambda: np.where(abs(r) <= delta, r**2 / 2, delta * (abs(r) - delta / 2)),
        "quantile": lambda: np.maximum(delta * r, (delta - 1) * r),
    }
    return weights @ each[loss]().sum(axis=1)


def conjugate(loss, a, y, weights):
    """L*(A), after a check that A is in its domain."""
    s, delta = a / weights[:, None], PARAMETER.get(loss)
    if loss == "softmax":
        q = s + y
        assert_allclose(q.sum(axis=1), 1, atol=1e-9)
        assert q.min() >= -1e-9
        return weights @ xlogy(np.maximum(q, 0), np.maximum(q, 0)).sum(axis=1)
    p = -y * s
    if loss in ("logistic", "hinge"):
        assert p.min() >= -1e-9
        assert p.max() <= 1 + 1e-9
        p = p.clip(0, 1)
    if loss == "squared_hinge":
        assert p.min() >= -1e-9
    if loss == "huber":
        assert abs(s).max() <= delta + 1e-9
    if loss == "quantile":
        assert s.min() >= -delta - 1e-9
        assert s.max() <= 1 - delta + 1e-9
    each = {
        "squared": lambda: s**2 / 2 + s * y,
        "logistic": lambda: xlogy(p, p) + xlogy(1 - p, 1 - p),
        "hinge": lambda: -p,
        "squared_hinge": lambda: p**2 / 4 - p,
        "huber": lambda: s**2 / 2 + s * y,
        "quantile": lambda: s * y,
    }
    return weights @ each[loss]().sum(axis=1)


def problem(loss, n=60, d=4, patterns=8, outputs=1, seed=0):
    rng = np.random.default_rng(seed)
    X = np.asfortranarray(np.column_stack([rng.standard_normal((n, d - 1)), np.ones(n)]))
    score = np.maximum(X @ rng.standard_normal((d, 3)), 0) @ rng.standard_normal((3, outputs))
    y = score + 0.3 * rng.standard_normal((n, outputs))
    if loss in ("logistic", "hinge", "squared_hinge"):
        y = np.where(y > np.median(y), 1.0, -1.0)
    elif loss == "softmax":
        y = np.eye(outputs)[y.argmax(axis=1)]
    generators = rng.standard_normal((d, patterns))
    generators /= np.linalg.norm(generators, axis=0)
    active = (X @ generators >= 0).astype(np.uint8)
    blocks = list(itertools.product(range(patterns), range(outputs), (1.0, -1.0)))
    return {
        "X": X,
        "y": np.asfortranarray(y),
        "weights": None,
        "loss": loss,
        "parameter": PARAMETER.get(loss, 0.0),
        "patterns": np.asfortranarray(active),
        "generators": np.asfortranarray(generators),
        "block_pattern": [pattern for pattern, _, _ in blocks],
        "directions": np.asfortranarray(
            np.transpose([sign * np.eye(outputs)[k] for _, k, sign in blocks])
        ),
        "alpha": 0.01,
        "intercept": True,
        "gated": False,
    }


def solve(data, **options):
    options = {
        "method": "admm",
        "tol": 1e-6,
        "max_iter": 20_000,
        "warm": None,
        "seed": 0,
        "n_threads": 1,
        "time_limit": np.inf,
        "observer": None,
    } | options
    return _core.relu_solve(**data, **options)


def check_certificate(data, solution, gap):
    """Primal and dual feasibility and both values, from the definitions alone."""
    X, y, loss, alpha = data["X"], data["y"], data["loss"], data["alpha"]
    n = len(X)
    weights = np.full(n, 1 / n) if data["weights"] is None else data["weights"]
    active = data["patterns"][:, data["block_pattern"]].astype(float)
    v, c, a = solution["v"], solution["intercept"], solution["dual"]
    products, directions = X @ v, data["directions"]
    z = (active * products) @ directions.T + c
    objective = value(loss, z, y, weights) + alpha * np.linalg.norm(v, axis=0).sum()
    assert_allclose(solution["objective"], objective, rtol=1e-10)
    slopes = active * (a @ directions)
    if not data["gated"]:
        signs = 2 * active - 1
        assert (signs * products).min() >= -1e-12 * max(1, abs(v).max())
        assert solution["cone_multipliers"].min() >= 0
        slopes -= signs * solution["cone_multipliers"]
        network = np.maximum(X @ solution["hidden"], 0) @ solution["output"].T + c
        assert_allclose(network, z, atol=1e-9)
    if data["intercept"]:
        assert_allclose(a.sum(axis=0), 0, atol=1e-12)
    else:
        assert_array_equal(c, 0)
    assert np.linalg.norm(X.T @ slopes, axis=0).max() <= alpha * (1 + 1e-9)
    bound = -conjugate(loss, a, y, weights)
    assert_allclose(solution["lower_bound"], bound, rtol=1e-9, atol=1e-12)
    assert solution["status"] == Status.CONVERGED
    assert -1e-12 <= objective - bound <= gap * abs(objective)


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("method", ["admm", "interior_point"])
@pytest.mark.parametrize("loss", LOSSES)
def test_certificates_close(loss, method, intercept, gated):
    data = problem(loss, outputs=3 if loss == "softmax" else 1)
    data |= {"intercept": intercept, "gated": gated}
    check_certificate(data, solve(data, method=method), 1e-6)


@pytest.mark.parametrize("method", ["admm", "interior_point"])
@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge"])
def test_several_outputs_and_shared_neurons(loss, method, rng):
    data = problem(loss, outputs=2)
    check_certificate(data, solve(data, method=method), 1e-6)
    directions = rng.standard_normal(data["directions"].shape)
    directions /= np.linalg.norm(directions, axis=0)
    data["directions"] = np.asfortranarray(directions)
    check_certificate(data, solve(data, method=method), 1e-6)


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_weights_count_samples(loss):
    data = problem(loss, n=30)
    counts = np.random.default_rng(1).integers(0, 3, 30)
    repeated = data | {
        name: np.asfortranarray(np.repeat(data[name], counts, axis=0))
        for name in ("X", "y", "patterns")
    }
    data["weights"] = counts / counts.sum()
    # Samples without weight constrain the cones all the same.
    data["gated"] = repeated["gated"] = True
    weighted, expected = solve(data, tol=1e-8), solve(repeated, tol=1e-8)
    assert_allclose(weighted["objective"], expected["objective"], rtol=1e-7)


def test_objective_is_that_of_a_general_solver():
    """SLSQP on the program with |v_b| <= t_b."""
    data = problem("squared", n=25, d=3, patterns=3) | {"intercept": False, "alpha": 0.05}
    X, y, alpha = data["X"], data["y"][:, 0], data["alpha"]
    active = data["patterns"][:, data["block_pattern"]].astype(float)
    blocks = active.shape[1]
    features = np.hstack([g * active[:, [b]] * X for b, g in enumerate(data["directions"][0])])

    def split(x):
        return x[: 3 * blocks].reshape(blocks, 3), x[3 * blocks :]

    reference = minimize(
        lambda x: ((features @ x[: 3 * blocks] - y) ** 2).mean() / 2 + alpha * split(x)[1].sum(),
        np.full(4 * blocks, 0.1),
        method="SLSQP",
        bounds=[(None, None)] * (3 * blocks) + [(1e-9, None)] * blocks,
        constraints=[
            {"type": "ineq", "fun": lambda x: split(x)[1] ** 2 - (split(x)[0] ** 2).sum(axis=1)},
            {"type": "ineq", "fun": lambda x: ((2 * active - 1) * (X @ split(x)[0].T)).ravel()},
        ],
        options={"maxiter": 500, "ftol": 1e-12},
    )
    for method in ("admm", "interior_point"):
        assert_allclose(solve(data, method=method)["objective"], reference.fun, rtol=1e-5)


def cvxpy_value(data):
    """The optimal value by an independent modelling language and its conic solver."""
    cp = pytest.importorskip("cvxpy")
    X, y, loss = data["X"], data["y"], data["loss"]
    active = data["patterns"].astype(float)[:, data["block_pattern"]]
    V, c = cp.Variable((X.shape[1], active.shape[1])), cp.Variable((1, y.shape[1]))
    Z = cp.multiply(active, X @ V) @ data["directions"].T + np.ones((len(X), 1)) @ c
    r, margin, delta = y - Z, cp.multiply(y, Z), PARAMETER.get(loss, 0.0)
    total = {
        "squared": lambda: cp.sum_squares(r) / 2,
        "logistic": lambda: cp.sum(cp.logistic(-margin)),
        "hinge": lambda: cp.sum(cp.pos(1 - margin)),
        "squared_hinge": lambda: cp.sum_squares(cp.pos(1 - margin)),
        "huber": lambda: cp.sum(cp.huber(r, delta)) / 2,
        "quantile": lambda: cp.sum(cp.maximum(delta * r, (delta - 1) * r)),
        "softmax": lambda: cp.sum(cp.log_sum_exp(Z, axis=1)) - cp.sum(margin),
    }[loss]()
    objective = total / len(X) + data["alpha"] * cp.sum(cp.norm(V, 2, axis=0))
    cones = [cp.multiply(2 * active - 1, X @ V) >= 0]
    return cp.Problem(cp.Minimize(objective), cones).solve(solver=cp.CLARABEL)


@pytest.mark.parametrize("loss", LOSSES)
def test_value_is_that_of_an_interior_point_method(loss):
    outputs = 3 if loss == "softmax" else 1
    data = problem(loss, n=30, d=3, patterns=6, outputs=outputs, seed=1)
    assert len(np.unique(data["y"], axis=0)) >= min(3, outputs + 1)
    out = solve(data, method="auto", tol=1e-7)
    assert out["status"] == Status.CONVERGED
    assert out["objective"] == pytest.approx(cvxpy_value(data), rel=1e-6)


def test_interior_point_finishes_what_the_admm_does_not():
    data = problem("quantile", n=80, patterns=12) | {"alpha": 1e-3}
    first = solve(data, tol=1e-8, max_iter=500)
    assert first["status"] == Status.MAX_ITER
    solution = solve(data, method="auto", tol=1e-8)
    check_certificate(data, solution, 1e-8)
    assert solution["n_iter"] < 5000


@pytest.mark.parametrize("method", ["published", "rbcd"])
def test_published_methods_find_the_same(method):
    data = problem("squared", n=40, d=3, patterns=4) | {"intercept": False}
    expected = solve(data)["objective"]
    solution = solve(data, method=method, tol=1e-2, max_iter=2000)
    check_certificate(data, solution, 1e-2)
    assert expected * (1 - 1e-6) <= solution["objective"] <= expected * 1.01


@pytest.mark.parametrize("change", [{"intercept": True}, {"gated": True}, {"loss": "hinge"}])
@pytest.mark.parametrize("method", ["published", "rbcd"])
def test_published_methods_refuse_what_they_do_not_cover(method, change):
    data = problem(change.get("loss", "squared")) | {"intercept": False} | change
    with pytest.raises(ValueError, match="published|derivatives"):
        solve(data, method=method)


def test_warm_start_from_the_solution_ends_at_once():
    data = problem("logistic")
    first = solve(data)
    again = solve(data, warm=first)
    assert again["n_iter"] == 0
    assert again["objective"] == first["objective"]
    near = solve(data | {"alpha": 0.009}, warm=first)
    assert near["n_iter"] < solve(data | {"alpha": 0.009})["n_iter"]


def test_threads_do_not_change_the_result():
    data = problem("logistic", n=700, patterns=20)
    one, three = solve(data), solve(data, n_threads=3)
    for name in ("v", "dual", "intercept", "n_iter"):
        assert_array_equal(one[name], three[name])


@pytest.mark.parametrize(("n", "d", "patterns"), [(1, 2, 1), (2, 1, 2), (30, 40, 5), (12, 3, 200)])
def test_odd_shapes(n, d, patterns):
    data = problem("squared", n=n, d=d, patterns=patterns)
    check_certificate(data, solve(data), 1e-6)


def test_duplicate_and_zero_rows():
    data = problem("squared", n=20)
    for name in ("X", "y", "patterns"):
        data[name] = np.asfortranarray(np.vstack([data[name]] * 3))
    data["X"][7] = 0
    check_certificate(data, solve(data), 1e-6)


def test_a_large_penalty_gives_the_constant():
    data = problem("squared") | {"alpha": 10.0}
    solution = solve(data)
    assert_array_equal(solution["v"], 0)
    assert_allclose(solution["intercept"], data["y"].mean(axis=0), rtol=1e-9)
    assert solution["hidden"].shape[1] == 0


def test_limits_and_observer():
    data = problem("squared") | {"alpha": 1e-4}
    assert solve(data, tol=1e-14, max_iter=20)["status"] == Status.MAX_ITER
    assert solve(data, tol=1e-14, time_limit=0.0)["status"] == Status.TIME_LIMIT
    rows = []
    stopped = solve(data, tol=1e-14, observer=lambda row: rows.append(row) or len(rows) == 1)
    assert stopped["status"] == Status.STOPPED
    assert rows[0]["lower_bound"] <= rows[0]["objective"]
    with pytest.raises(ZeroDivisionError):
        solve(data, tol=1e-14, observer=lambda row: 1 / 0)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("y", np.ones((3, 1))),
        ("patterns", np.ones((3, 8), np.uint8)),
        ("generators", np.ones((2, 8))),
        ("block_pattern", [99] * 16),
        ("directions", np.ones((2, 16))),
        ("alpha", 0.0),
        ("loss", "cubic"),
        ("weights", np.ones(3)),
    ],
)
def test_wrong_arguments_are_named(name, wrong):
    data = problem("squared") | {name: wrong}
    with pytest.raises(ValueError, match=name):
        solve(data)
