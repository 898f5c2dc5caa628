"""scikit-learn's own checks of every estimator, with none expected to fail."""

import os

import numpy as np
import pytest
import sklearn
import sklearn.linear_model as sk
from sklearn.base import clone
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from cycloid.linear_model import (
    ConstrainedLogisticRegression,
    ElasticNet,
    ElasticNetCV,
    FairLogisticRegression,
    GroupLasso,
    GroupLassoCV,
    Lasso,
    LassoCV,
    LogisticRegression,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    PoissonRegressor,
    SparseGroupLasso,
    SparseGroupLassoCV,
)
from cycloid.neural_network import ConvexReLUClassifier, ConvexReLURegressor
from cycloid.ot import SinkhornTransport

ESTIMATORS = [
    Lasso(),
    Lasso(positive=True, selection="random"),
    Lasso(alpha=0.01, precompute=False, warm_start=True),
    ElasticNet(),
    ElasticNet(l1_ratio=0.0, fit_intercept=False),
    LassoCV(),
    LassoCV(n_jobs=2),
    ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=10),
    LogisticRegression(),
    LogisticRegression(l1_ratio=1.0),
    # Weights and repetitions end at points that differ within the tolerance.
    LogisticRegression(l1_ratio=0.5, class_weight="balanced", tol=1e-10),
    LogisticRegression(l1_ratio=1.0, grouped=True, tol=1e-8),
    MultiTaskLasso(tol=1e-13),
    MultiTaskElasticNet(alpha=0.1, selection="random", tol=1e-13),
    MultiTaskLassoCV(alphas=10, tol=1e-13),
    MultiTaskElasticNetCV(l1_ratio=[0.5, 1.0], alphas=5, tol=1e-13),
    GroupLasso(tol=1e-13),
    SparseGroupLasso(alpha=0.1, tol=1e-13),
    GroupLassoCV(alphas=10, tol=1e-13),
    SparseGroupLassoCV(l1_ratio=[0.1, 0.9], alphas=5, tol=1e-13),
]


@pytest.fixture(autouse=True)
def two_classes_whatever_the_order(monkeypatch):
    """A correction of scikit-learn 1.6's checks, taken over from its later releases.

    For a classifier of two classes 1.6 merges the labels of its data into two by what the *first
    sample* has. Its check that weights equal repetitions shuffles one of two data sets in between,
    so they get different labels, and no binary classifier could pass.
    """
    original = estimator_checks._enforce_estimator_tags_y

    def merge(estimator, y):
        tags = get_tags(estimator).classifier_tags
        if tags is None or tags.multi_class or y.size == 0:
            return original(estimator, y)
        return np.where(y == y.min(), y, y.min() + 1)

    if sklearn.__version__.startswith("1.6."):
        monkeypatch.setattr(estimator_checks, "_enforce_estimator_tags_y", merge)


NEWTON = [
    # Some checks compare seven digits, which a looser tolerance does not give.
    LogisticRegression(solver="newton-sketch", tol=1e-14),
    PoissonRegressor(tol=1e-10),
    ConstrainedLogisticRegression(tol=1e-9),
    ConstrainedLogisticRegression(norm=1.0, tol=1e-9),
    FairLogisticRegression(sensitive_features=0, tol=1e-9),
]
TRANSPORT = [
    SinkhornTransport(),
    # At this regularization a repeated sample's plan is ill-conditioned: 1e-9 is not enough for
    # the seven digits that the check of weights compares.
    SinkhornTransport(reg_e=0.05, norm="median", tol=1e-13),
    SinkhornTransport(metric="cityblock", norm="max"),
]
NETWORKS = [
    # A rounds' limit and a loose gap: the checks fit hundreds of networks.
    ConvexReLURegressor(n_neurons=5, n_restarts=2, max_iter=3, tol=0.1, random_state=0),
    ConvexReLUClassifier(n_neurons=5, n_restarts=2, max_iter=3, tol=0.1, random_state=0),
]
# Under the sanitizers they would take half an hour; tests/neural_network runs the same code there.
CHECKS = parametrize_with_checks(
    ESTIMATORS + NEWTON + TRANSPORT + ([] if "LD_PRELOAD" in os.environ else NETWORKS)
)


# scikit-learn's checks know no target samples.
@pytest.mark.filterwarnings("ignore:SinkhornTransport.fit got no target samples:UserWarning")
# A list, since scikit-learn 1.6 gives a generator, which pytest 9 deprecates.
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_scikit_learn_check(estimator, check):
    check(estimator)


NAMES = ["Lasso", "ElasticNet", "LassoCV", "ElasticNetCV", "LogisticRegression"]
NAMES += [f"MultiTask{name}" for name in NAMES[:4]]
OURS = {type(estimator).__name__: type(estimator) for estimator in ESTIMATORS}
# Parameters of scikit-learn 1.6 that later releases have removed.
REMOVED = {"n_alphas", "multi_class"}


@pytest.mark.parametrize("name", NAMES)
def test_takes_every_parameter_of_scikit_learn(name, regression):
    theirs = getattr(sk, name)()
    parameters = {k: v for k, v in theirs.get_params().items() if k not in REMOVED}
    if parameters.get("alphas", 0) is None or parameters.get("penalty") == "l2":
        parameters = {}  # the defaults of scikit-learn 1.6 that later releases deprecate
    X, y = regression
    if name == "LogisticRegression":
        y = y > y.mean()
    if name.startswith("MultiTask"):
        y = np.column_stack([y, X[:, 0] - y])
    model = OURS[name](**parameters).fit(X, y)
    expected = theirs.fit(X, y)
    assert model.coef_.shape == expected.coef_.shape
    assert np.shape(model.intercept_) == np.shape(expected.intercept_)
    np.testing.assert_allclose(
        np.ravel(model.coef_), np.ravel(expected.coef_), atol=0.02 * np.abs(expected.coef_).max()
    )


@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_those_of_scikit_learn(name):
    ours, theirs = OURS[name]().get_params(), getattr(sk, name)().get_params()
    # `precompute`, `solver`: 'auto', which chooses what is fastest for the same coefficients.
    # The others changed between scikit-learn 1.6 and the newest release, whose defaults we take.
    free = REMOVED | {"precompute", "solver", "alphas", "penalty", "l1_ratio"}
    for parameter in theirs.keys() - free:
        assert ours[parameter] == theirs[parameter], parameter


@pytest.mark.parametrize("estimator", [Lasso(), LogisticRegression(l1_ratio=0.5), GroupLasso()])
def test_fitting_a_clone_gives_the_same(estimator, classification):
    X, y = classification
    y = y if isinstance(estimator, LogisticRegression) else X[:, 0]
    first, second = clone(estimator).fit(X, y), clone(estimator).fit(X, y)
    np.testing.assert_array_equal(first.coef_, second.coef_)
