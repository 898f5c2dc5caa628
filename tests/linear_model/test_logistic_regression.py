"""LogisticRegression: scikit-learn's parameters and methods."""

import warnings

import numpy as np
import pytest
import sklearn.linear_model as sk
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.multiclass import OneVsRestClassifier

from cycloid.linear_model import LogisticRegression, Status, logistic_path


@pytest.fixture
def model(classification):
    return LogisticRegression(C=0.5, l1_ratio=1.0).fit(*classification)


def test_attributes(model, classification):
    X, y = classification
    assert_array_equal(model.classes_, ["no", "yes"])
    assert model.coef_.shape == (1, 20)
    assert model.intercept_.shape == model.n_iter_.shape == (1,)
    assert model.result_.status == Status.CONVERGED
    assert_allclose(model.result_.alpha, 1 / (0.5 * 120))
    path = logistic_path(X, y, Cs=[0.5], l1_ratio=1.0, rtol=1e-4)
    assert_array_equal(model.coef_[0], path.coefs[:, 0])
    assert model.result_.gap <= 1e-4 * path.null_objective


def test_predictions_agree(model, classification):
    X, _ = classification
    scores = model.decision_function(X)
    assert_allclose(scores, X @ model.coef_[0] + model.intercept_)
    probabilities = model.predict_proba(X)
    assert_allclose(probabilities.sum(axis=1), 1)
    assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-scores)))
    assert_allclose(model.predict_log_proba(X), np.log(probabilities))
    assert_array_equal(model.predict(X) == "yes", scores > 0)
    assert_allclose(model.decision_function(sparse.csc_array(X)), scores)
    assert 0.6 < model.score(*classification) <= 1


def test_logarithm_of_a_tiny_probability(model, classification):
    X, _ = classification
    logarithms = model.predict_log_proba(1e4 * X)
    assert np.isfinite(logarithms).all()
    assert logarithms.min() < -1000


def test_sparsify_and_densify(model, classification):
    X, y = classification
    scores, dense = model.decision_function(X), model.coef_
    assert sparse.issparse(model.sparsify().coef_)
    assert_allclose(model.decision_function(X), scores)
    assert_allclose(model.decision_function(sparse.csr_array(X)), scores)
    model.set_params(warm_start=True).fit(X, y)
    model.sparsify().densify().densify()
    assert_allclose(model.coef_, dense, atol=1e-6)


def test_warm_start(classification):
    X, y = classification
    model = LogisticRegression(l1_ratio=1.0, warm_start=True, tol=1e-10).fit(X, y)
    coef = model.coef_
    model.fit(X, y)
    assert model.n_iter_[0] == 1
    assert_allclose(model.coef_, coef, atol=1e-8)


def test_no_penalty(classification):
    model = LogisticRegression(C=np.inf, tol=1e-14).fit(*classification)
    expected = sk.LogisticRegression(C=1e12, tol=1e-10, solver="newton-cholesky")
    assert_allclose(model.coef_, expected.fit(*classification).coef_, atol=1e-6)


@pytest.mark.parametrize(
    ("penalty", "parameters", "equivalent"),
    [
        ("l1", {"l1_ratio": 1.0}, {"l1_ratio": 1.0}),
        ("l2", {}, {}),
        ("elasticnet", {"l1_ratio": 0.3}, {"l1_ratio": 0.3}),
        (None, {}, {"C": np.inf}),
    ],
)
def test_penalty_is_deprecated_and_works(classification, penalty, parameters, equivalent):
    with pytest.warns(FutureWarning, match="penalty is deprecated") as caught:
        old = LogisticRegression(penalty, **parameters).fit(*classification)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new = LogisticRegression(**equivalent).fit(*classification)
    assert_array_equal(old.coef_, new.coef_)


@pytest.mark.filterwarnings("ignore:penalty is deprecated:FutureWarning")
def test_penalty_that_contradicts(classification):
    X, y = classification
    with pytest.warns(UserWarning, match="penalty='l1' takes precedence over l1_ratio=0.0"):
        l1 = LogisticRegression("l1").fit(X, y)
    assert_array_equal(l1.coef_, LogisticRegression(l1_ratio=1.0).fit(X, y).coef_)
    with pytest.warns(UserWarning, match="penalty='l2' takes precedence over l1_ratio=0.5"):
        LogisticRegression("l2", l1_ratio=0.5).fit(X, y)
    with pytest.warns(UserWarning, match="penalty=None takes precedence over C=2"):
        LogisticRegression(None, C=2).fit(X, y)
    with pytest.raises(ValueError, match="l1_ratio must be given with penalty='elasticnet'"):
        LogisticRegression("elasticnet", l1_ratio=None).fit(X, y)
    with pytest.warns(FutureWarning, match="l1_ratio=None is deprecated"):
        LogisticRegression(l1_ratio=None).fit(X, y)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"])
def test_names_of_solvers_give_the_same(classification, solver):
    named = LogisticRegression(solver=solver).fit(*classification)
    assert_array_equal(named.coef_, LogisticRegression().fit(*classification).coef_)


def test_class_weights_are_sample_weights(classification):
    X, y = classification
    factors = np.where(y == "yes", 3.0, 0.5)
    by_class = LogisticRegression(class_weight={"no": 0.5, "yes": 3.0}, tol=1e-8).fit(X, y)
    by_sample = LogisticRegression(tol=1e-8).fit(X, y, factors)
    assert_allclose(by_class.coef_, by_sample.coef_, atol=1e-10)
    balanced = LogisticRegression(class_weight="balanced", tol=1e-8).fit(X, y)
    counts = 120 / (2 * np.array([(y == label).sum() for label in ("no", "yes")]))
    by_sample = LogisticRegression(tol=1e-8).fit(X, y, np.where(y == "yes", counts[1], counts[0]))
    assert_allclose(balanced.coef_, by_sample.coef_, atol=1e-10)


def test_constant_weight_scales_c(classification):
    X, y = classification
    weighted = LogisticRegression(C=1.0, tol=1e-8).fit(X, y, 3.0)
    assert_allclose(weighted.coef_, LogisticRegression(C=3.0, tol=1e-8).fit(X, y).coef_)


def test_separable_classes_have_a_penalised_solution():
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    model = LogisticRegression(C=10.0, l1_ratio=1.0, tol=1e-10).fit(X, [0, 0, 1, 1])
    assert model.result_.converged
    expected = sk.LogisticRegression(
        C=10.0, solver="liblinear", **_l1(), tol=1e-12, fit_intercept=False
    ).fit(X, [0, 0, 1, 1])
    assert_allclose(model.coef_, expected.coef_, rtol=1e-4)
    assert_allclose(model.intercept_, 0, atol=1e-6)


def _l1():
    old = sk.LogisticRegression().penalty == "l2"
    return {"penalty": "l1"} if old else {"l1_ratio": 1.0}


def test_three_classes_by_one_versus_rest(rng):
    X = rng.standard_normal((90, 4))
    y = np.arange(90) % 3
    X[np.arange(90), y] += 3
    model = OneVsRestClassifier(LogisticRegression()).fit(X, y)
    assert model.score(X, y) > 0.8


def test_float32(classification):
    X, y = classification
    model = LogisticRegression().fit(X.astype(np.float32), y)
    assert model.coef_.dtype == model.intercept_.dtype == np.float32
