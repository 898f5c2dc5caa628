"""convex_relu against plain numpy, local searches of SciPy, and what it says of itself."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from cycloid.neural_network import Status, convex_relu, convex_relu_path

pytestmark = pytest.mark.numerical

LOSSES = {
    "squared_error": lambda f, y: 0.5 * (f - y) ** 2,
    "huber": lambda f, y: np.where(
        np.abs(f - y) <= 0.5, 0.5 * (f - y) ** 2, 0.5 * (np.abs(f - y) - 0.25)
    ),
    "quantile": lambda f, y: np.maximum(0.3 * (y - f), -0.7 * (y - f)),
    "log_loss": lambda f, y: np.logaddexp(0, -y * f),
    "hinge": lambda f, y: np.maximum(0, 1 - y * f),
    "squared_hinge": lambda f, y: np.maximum(0, 1 - y * f) ** 2,
}
PARAMETERS = {"huber": 0.5, "quantile": 0.3}


def targets_of(loss, y):
    return y if loss in ("squared_error", "huber", "quantile") else np.where(y > 0, 1.0, -1.0)


def objective(result, X, y, alpha, loss, weights=None):
    weights = np.ones(len(X)) if weights is None else weights
    f = result.predict(X)
    y = y.reshape(f.shape)
    each = LOSSES[loss](f, y).sum(axis=1)
    squares = sum(
        np.sum(part**2)
        for part in (result.hidden_coef, result.hidden_intercept, result.output_coef)
    )
    return weights @ each / weights.sum() + alpha / 2 * squares


@pytest.mark.parametrize("loss", LOSSES)
def test_objective_is_that_of_the_network_and_bounds_hold(loss, bumps):
    X, y = bumps
    y = targets_of(loss, y)
    result = convex_relu(
        X, y, 0.03, loss=loss, loss_parameter=PARAMETERS.get(loss), patterns="all", tol=1e-4
    )
    assert result.converged
    assert result.bound_is_rigorous
    assert_allclose(result.objective, objective(result, X, y, 0.03, loss), rtol=1e-9)
    assert 0 <= result.gap <= 1e-4 * result.objective
    assert result.n_neurons <= len(X) + 1


def test_no_local_search_beats_all_patterns(bumps):
    X, y = bumps
    alpha, width = 0.02, 8
    result = convex_relu(X, y, alpha, patterns="all", tol=1e-6)
    assert result.status == Status.CONVERGED
    Z = np.column_stack([X, np.ones(len(X))])

    def network(theta):
        u, a, c = theta[: 3 * width].reshape(3, width), theta[3 * width : -1], theta[-1]
        hidden = np.maximum(Z @ u, 0)
        r = hidden @ a + c - y
        value = 0.5 * np.mean(r**2) + alpha / 2 * (np.sum(u**2) + np.sum(a**2))
        back = np.outer(r, a) * (hidden > 0) / len(y)
        gradient = [(Z.T @ back + alpha * u).ravel(), hidden.T @ r / len(y) + alpha * a, [r.mean()]]
        return value, np.concatenate(gradient)

    rng = np.random.default_rng(0)
    best = min(
        minimize(network, rng.standard_normal(4 * width + 1), jac=True, method="L-BFGS-B").fun
        for _ in range(20)
    )
    assert result.objective <= best + 1e-9
    assert result.lower_bound <= best
    assert best <= result.objective * 1.01  # the searches are good enough to be a test


def test_refined_reaches_the_global_optimum(bumps):
    X, y = bumps
    exact = convex_relu(X, y, 0.03, patterns="all", tol=1e-5)
    refined = convex_relu(X, y, 0.03, tol=1e-3, random_state=0)
    assert refined.objective <= exact.objective * 1.002
    assert refined.rigorous_bound <= exact.objective
    assert exact.lower_bound <= refined.objective


def test_random_patterns_are_no_better(bumps):
    X, y = bumps
    exact = convex_relu(X, y, 0.03, patterns="all", tol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        few = convex_relu(X, y, 0.03, patterns="random", n_patterns=5, random_state=0)
    assert few.objective >= exact.lower_bound
    assert few.n_patterns <= 5


def test_several_outputs_and_softmax():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((40, 3))
    codes = np.argmax(np.abs(X), axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = convex_relu(X, np.eye(3)[codes], 3e-3, loss="softmax", random_state=0, max_iter=3)
    assert result.output_coef.shape == (result.n_neurons, 3)
    f = result.predict(X)
    loss = np.mean(np.log(np.exp(f).sum(axis=1)) - f[np.arange(40), codes])
    squares = sum(
        np.sum(part**2)
        for part in (result.hidden_coef, result.hidden_intercept, result.output_coef)
    )
    assert_allclose(result.objective, loss + 3e-3 / 2 * squares, rtol=1e-9)
    assert np.mean(f.argmax(axis=1) == codes) > 0.95


def test_weights_are_repetitions(bumps):
    X, y = bumps
    counts = np.arange(len(y)) % 3
    repeated = np.repeat(np.arange(len(y)), counts)
    weighted = convex_relu(X, y, 0.03, patterns="all", tol=1e-6, sample_weight=counts)
    plain = convex_relu(X[repeated], y[repeated], 0.03, patterns="all", tol=1e-6)
    assert_allclose(weighted.objective, plain.objective, rtol=1e-5)
    assert_allclose(weighted.objective, objective(weighted, X, y, 0.03, "squared_error", counts))


def test_strong_penalty_leaves_no_neuron(bumps):
    X, y = bumps
    result = convex_relu(X, y, 1e3, patterns="all")
    assert result.n_neurons == 0
    assert_allclose(result.predict(X), y.mean())
    assert_allclose(result.objective, 0.5 * y.var())


def test_without_intercept(bumps):
    X, y = bumps
    result = convex_relu(X, y, 0.03, patterns="all", fit_intercept=False, tol=1e-4)
    assert result.converged
    assert not result.hidden_intercept.any()
    assert not result.output_intercept.any()
    assert_allclose(result.objective, objective(result, X, y, 0.03, "squared_error"), rtol=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (5, 1)])
def test_tiny(shape):
    X = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    y = np.arange(float(shape[0]))
    result = convex_relu(X, y, 0.1, patterns="all", tol=1e-5)
    assert result.converged
    assert_allclose(result.objective, objective(result, X, y, 0.1, "squared_error"), rtol=1e-9)


def test_odd_columns(bumps):
    """Constant and repeated columns, duplicate rows, constant y."""
    X, y = bumps
    odd = np.column_stack([X[:, 0], X[:, 0], np.zeros(24)])
    odd[7] = odd[3]
    result = convex_relu(odd, y, 0.03, random_state=0, tol=1e-2, max_iter=10)
    assert_allclose(result.objective, objective(result, odd, y, 0.03, "squared_error"), rtol=1e-9)
    constant = convex_relu(X, np.full(24, 2.5), 0.03, random_state=0)
    assert constant.n_neurons == 0
    assert_allclose(constant.predict(X), 2.5)


def test_same_seed_same_network_for_any_threads(bumps):
    X, y = bumps
    one, two, other = (
        convex_relu(X, y, 0.03, random_state=seed, n_threads=threads, tol=1e-2)
        for seed, threads in ((0, 1), (0, 2), (1, 1))
    )
    assert_array_equal(one.hidden_coef, two.hidden_coef)
    assert_allclose(one.objective, other.objective, rtol=0.02)


def test_path_and_start(bumps):
    X, y = bumps
    path = convex_relu_path(X, y, [0.1, 0.03], patterns="all", tol=1e-4)
    assert all(result.converged for result in path)
    again = convex_relu(X, y, 0.03, network_init=path[1], patterns="all", tol=1e-3)
    assert again.objective <= path[1].objective * (1 + 1e-9)


def test_layouts_do_not_matter_and_input_is_kept(bumps):
    X, y = bumps
    expected = convex_relu(X, y, 0.03, patterns="all", random_state=0)
    wide = np.zeros((48, 4))
    wide[::2, ::2] = X
    for view in (np.asfortranarray(X), wide[::2, ::2], X.tolist()):
        assert_array_equal(
            convex_relu(view, y, 0.03, patterns="all", random_state=0).predict(X),
            expected.predict(X),
        )
    X.flags.writeable = y.flags.writeable = False
    before = X.copy()
    convex_relu(X, y, 0.03, patterns="all", random_state=0)
    assert_array_equal(X, before)


def test_limits_are_said(bumps):
    X, y = bumps
    with pytest.warns(ConvergenceWarning, match=r"wanted a gap of .* after 1 rounds"):
        result = convex_relu(X, y, 1e-4, random_state=0, max_iter=1, tol=1e-9)
    assert result.status in (Status.MAX_ITER, Status.STALLED)
    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = convex_relu(X, y, 1e-3, random_state=0, time_limit=0.0, tol=1e-9)
    assert result.status == Status.TIME_LIMIT
    assert np.isfinite(result.predict(X)).all()


def test_callback_sees_rows_and_stops(bumps):
    X, y = bumps
    rows = []
    with pytest.warns(ConvergenceWarning, match="callback ended"):
        result = convex_relu(
            X, y, 1e-3, random_state=0, tol=1e-9, callback=lambda row: rows.append(row) or True
        )
    assert result.status == Status.STOPPED
    assert set(rows[0]) == set(result.trace)

    def fail(row):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        convex_relu(X, y, 1e-3, random_state=0, tol=1e-9, callback=fail)


def test_verbose_prints_a_table(bumps, capsys):
    X, y = bumps
    convex_relu(X, y, 0.03, patterns="all", verbose=1)
    out = capsys.readouterr().out
    assert "lower_bound" in out
    assert len(out.splitlines()) >= 2


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"alpha": 0.0}, ValueError, "alpha must be a number > 0"),
        ({"alpha": "1"}, TypeError, "alpha must be a number > 0"),
        ({"alpha": np.nan}, ValueError, "alpha must be"),
        ({"loss": "mse"}, ValueError, "loss must be one of"),
        ({"loss": "log_loss"}, ValueError, r"y must hold -1 and \+1"),
        ({"loss": "softmax"}, ValueError, "one 1 in each row"),
        ({"loss_parameter": 1.0}, ValueError, "loss_parameter must be None"),
        ({"loss": "quantile", "loss_parameter": 1.0}, ValueError, "strictly between 0 and 1"),
        ({"loss": "huber", "loss_parameter": -1}, ValueError, "loss_parameter must be"),
        ({"patterns": "some"}, ValueError, "patterns must be one of"),
        ({"n_patterns": 0}, ValueError, "n_patterns must be an integer >= 1"),
        ({"n_neurons": 2.5}, TypeError, "n_neurons must be an integer"),
        ({"n_restarts": 0}, ValueError, "n_restarts must be"),
        ({"max_iter": 0}, ValueError, "max_iter must be"),
        ({"tol": 0.0}, ValueError, "tol must be"),
        ({"fit_intercept": 1}, TypeError, "fit_intercept must be True or False"),
        ({"network_init": "net"}, TypeError, "network_init must be a NetworkResult"),
        ({"time_limit": -1}, ValueError, "time_limit must be"),
        ({"n_threads": 0}, ValueError, "n_threads must be"),
        ({"callback": 3}, TypeError, "callback must be callable"),
        ({"sample_weight": [-1.0] * 24}, ValueError, "sample_weight must be non-negative"),
        ({"sample_weight": [1.0]}, ValueError, "sample_weight must have length 24"),
        ({"X": [[np.nan, 1.0]] * 24}, ValueError, "X contains NaN"),
        ({"X": np.zeros((24, 2, 2))}, ValueError, "dim 3"),
        ({"y": [np.inf] * 24}, ValueError, "y contains infinity"),
        ({"y": [1.0]}, ValueError, r"y must have shape \(24,\)"),
        ({"X": np.zeros((0, 2)), "y": []}, ValueError, "minimum of 1 is required"),
        ({"patterns": "all", "y": np.zeros((24, 2))}, ValueError, "needs one output"),
        (
            {"patterns": "all", "X": np.random.default_rng(0).standard_normal((24, 12))},
            ValueError,
            "patterns",
        ),
    ],
)
def test_bad_input(change, error, message, bumps):
    X, y = bumps
    arguments = {"X": X, "y": y, "alpha": 0.03, **change}
    with pytest.raises(error, match=message):
        convex_relu(**arguments)


def test_start_of_another_shape(bumps):
    X, y = bumps
    result = convex_relu(X, y, 0.03, patterns="all")
    with pytest.raises(ValueError, match="network_init must have 1 features"):
        convex_relu(X[:, :1], y, 0.03, network_init=result)
    with pytest.raises(ValueError, match="X must have 2 features"):
        result.predict(X[:, :1])
