"""sampled_relu against scikit-learn on the same features, and as a start of convex_relu."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LogisticRegression

from cycloid.neural_network import Status, convex_relu, sampled_relu

pytestmark = pytest.mark.numerical


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    return X, np.abs(X[:, 0]) + 0.3 * X[:, 1], rng.random(60)


def drawn(seed, features, count):
    u = np.random.RandomState(seed).standard_normal((features + 1, count))
    return u / np.linalg.norm(u, axis=0)


def objective(result, X, y, loss, alpha, weights):
    f = result.predict(X)
    y = y.reshape(f.shape)
    each = 0.5 * (f - y) ** 2 if loss == "squared_error" else np.logaddexp(0, -y * f)
    squares = sum(
        np.sum(part**2)
        for part in (result.hidden_coef, result.hidden_intercept, result.output_coef)
    )
    return weights @ each.sum(axis=1) / weights.sum() + alpha / 2 * squares


def test_equals_scikit_learns_lasso(samples):
    X, y, weights = samples
    result = sampled_relu(
        X, y, 0.01, n_neurons=200, sample_weight=weights, random_state=5, tol=1e-10
    )
    features = np.maximum(np.column_stack([X, np.ones(60)]) @ drawn(5, 3, 200), 0)
    lasso = Lasso(alpha=0.01, tol=1e-12, max_iter=100_000).fit(features, y, weights)
    assert_allclose(result.predict(X)[:, 0], lasso.predict(features), atol=1e-5)
    assert result.n_neurons == np.count_nonzero(lasso.coef_)
    assert result.converged
    assert result.lower_bound <= result.objective
    assert result.objective == pytest.approx(
        objective(result, X, y, "squared_error", 0.01, weights), rel=1e-9
    )


def test_equals_scikit_learns_logistic_regression(samples):
    X, y, _ = samples
    y = np.where(y > 0.5, 1.0, -1.0)
    result = sampled_relu(X, y, 0.01, loss="log_loss", n_neurons=50, random_state=6, tol=1e-9)
    features = np.maximum(np.column_stack([X, np.ones(60)]) @ drawn(6, 3, 50), 0)
    model = LogisticRegression(
        C=1 / (60 * 0.01), l1_ratio=1.0, solver="saga", tol=1e-10, max_iter=100_000
    ).fit(features, y)
    # The intercept of saga converges slowly: objectives, not coefficients.
    f = model.decision_function(features)
    expected = np.logaddexp(0, -y * f).mean() + 0.01 * np.abs(model.coef_).sum()
    assert result.objective == pytest.approx(expected, rel=1e-5)
    assert result.objective <= expected * (1 + 1e-8)
    assert result.objective == pytest.approx(
        objective(result, X, y, "log_loss", 0.01, np.ones(60)), rel=1e-9
    )


def test_outputs_are_added_and_start_the_training(samples):
    X, y, _ = samples
    both = sampled_relu(X, np.column_stack([y, -2 * X[:, 2]]), 0.01, random_state=0)
    each = [sampled_relu(X, t, 0.01, random_state=0) for t in (y, -2 * X[:, 2])]
    assert both.objective == pytest.approx(sum(one.objective for one in each), rel=1e-9)
    assert both.n_neurons == sum(one.n_neurons for one in each)
    network = convex_relu(X, y, 0.01, network_init=each[0], random_state=0)
    assert network.objective <= each[0].objective


def test_more_neurons_come_nearer_to_the_optimum():
    X = np.random.default_rng(1).standard_normal((20, 2))
    y = np.sin(2 * X[:, 0])
    optimum = convex_relu(X, y, 0.01, patterns="all", tol=1e-4)
    found = [sampled_relu(X, y, 0.01, n_neurons=n, random_state=0).objective for n in (10, 10_000)]
    assert found[0] > found[1] >= optimum.lower_bound
    assert found[1] <= 1.02 * optimum.objective


def test_limits(samples):
    X, y, _ = samples
    with pytest.warns(ConvergenceWarning):
        result = sampled_relu(X, y, 1e-6, time_limit=0.0)
    assert result.status == Status.TIME_LIMIT
    assert sampled_relu(X, y, 1e3).n_neurons == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": -1.0}, "alpha must be"),
        ({"loss": "hinge"}, "loss must be"),
        ({"n_neurons": 0}, "n_neurons must be"),
        ({"y": [np.inf, 1.0]}, "y contains infinity"),
        ({"loss": "log_loss", "y": [0.0, 1.0]}, "y must hold -1 and"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        sampled_relu(**({"X": [[1.0], [2.0]], "y": [1.0, 2.0], "alpha": 0.1} | change))
