"""ConvexReLURegressor and ConvexReLUClassifier: what they add to convex_relu."""

import importlib.util

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_moons
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cycloid.neural_network import ConvexReLUClassifier, ConvexReLURegressor

pytestmark = pytest.mark.numerical


def network(model, X):
    hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    return hidden @ model.coefs_[1] + model.intercepts_[1]


def test_regressor_predicts_its_network_and_follows_the_scale_of_y(bumps):
    X, y = bumps
    model = ConvexReLURegressor(patterns="all", tol=1e-4).fit(X, y)
    assert_allclose(model.predict(X), network(model, X)[:, 0])
    assert model.gap_ == model.result_.objective - model.lower_bound_
    assert model.coefs_[0].shape == (2, model.n_neurons_)
    scaled = ConvexReLURegressor(patterns="all", tol=1e-4).fit(X, 1e6 * y + 3e6)
    # The optimum is the same; each is within sqrt(2 gap) of it.
    assert_allclose((scaled.predict(X) - 3e6) / 1e6, model.predict(X), atol=0.05)


def test_several_targets(bumps):
    X, y = bumps
    Y = np.column_stack([y, -y, X[:, 0]])
    model = ConvexReLURegressor(random_state=0, tol=0.05).fit(X, Y)
    assert model.predict(X).shape == Y.shape
    assert model.score(X, Y) > 0.8


def test_classifier_of_two_moons():
    X, y = make_moons(80, noise=0.15, random_state=0)
    labels = np.where(y == 1, "inner", "outer")
    model = ConvexReLUClassifier(random_state=0, alpha=1e-3, tol=0.05).fit(X, labels)
    assert model.score(X, labels) > 0.97
    assert_array_equal(model.classes_, ["inner", "outer"])
    assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X))
    positive = model.predict_proba(X)[:, 1] > 0.5
    assert_array_equal(positive, model.decision_function(X) > 0)
    assert_array_equal(np.where(positive, "outer", "inner"), model.predict(X))


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "squared_hinge"])
def test_classifier_of_three_classes(loss):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    X = rng.standard_normal((60, 2)) * 0.3 + np.array([[0, 0], [2, 0], [0, 2]])[y]
    model = ConvexReLUClassifier(loss=loss, random_state=0, tol=0.1, n_restarts=2).fit(X, y)
    assert model.decision_function(X).shape == (60, 3)
    assert model.score(X, y) > 0.95
    assert hasattr(model, "predict_proba") == (loss == "log_loss")


def test_warm_start_is_never_worse(bumps):
    X, y = bumps
    model = ConvexReLURegressor(warm_start=True, random_state=0, tol=0.05).fit(X, y)
    first = model.result_.objective
    assert model.fit(X, y).result_.objective <= first * (1 + 1e-9)


def test_in_a_pipeline(bumps):
    X, y = bumps
    model = make_pipeline(StandardScaler(), ConvexReLURegressor(random_state=0, tol=0.05))
    assert model.fit(X * [1.0, 1e5], y).score(X * [1.0, 1e5], y) > 0.8


@pytest.mark.parametrize("method", ["to_torch", "to_onnx"])
def test_export(method, bumps):
    package = method.removeprefix("to_")
    X, y = bumps
    model = ConvexReLURegressor(patterns="all").fit(X, y)
    if importlib.util.find_spec(package) is None:
        with pytest.raises(ImportError, match="not installed"):
            getattr(model, method)()
        return
    exported = getattr(model, method)()
    if method == "to_torch":
        import torch

        outputs = exported(torch.from_numpy(X)).detach().numpy()
    else:
        from onnx.reference import ReferenceEvaluator

        outputs = ReferenceEvaluator(exported).run(None, {"X": X})[0]
    assert_allclose(outputs[:, 0], model.predict(X), rtol=1e-12)


def test_default_penalty():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((600, 2)), rng.standard_normal(600)
    options = {"patterns": "random", "n_patterns": 5, "tol": 1.0}
    assert ConvexReLURegressor(**options).fit(X, y).alpha_ == 3 / 600
    assert ConvexReLURegressor(**options).fit(X[:20], y[:20]).alpha_ == 0.01
    weights = np.full(600, 2.0)
    assert ConvexReLUClassifier(**options).fit(X, y > 0, weights).alpha_ == 3 / 1200
    assert ConvexReLURegressor(alpha=0.5, **options).fit(X, y).alpha_ == 0.5


def test_bad_parameters(bumps):
    X, y = bumps
    with pytest.raises(ValueError, match="alpha must be one of 'auto'"):
        ConvexReLURegressor(alpha="best").fit(X, y)
    with pytest.raises(ValueError, match="loss must be one of"):
        ConvexReLURegressor(loss="log_loss").fit(X, y)
    with pytest.raises(ValueError, match="loss must be one of"):
        ConvexReLUClassifier(loss="softmax").fit(X, y > 0)
    with pytest.raises(ValueError, match="one class only"):
        ConvexReLUClassifier().fit(X, np.zeros(len(y)))
    with pytest.raises(TypeError, match="warm_start must be True or False"):
        ConvexReLURegressor(warm_start="yes").fit(X, y)
