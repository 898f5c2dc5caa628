"""Lasso and ElasticNet: what an estimator adds to its path."""

import pickle

import numpy as np
import pytest
import sklearn.linear_model as sk
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import NotFittedError

from cycloid.linear_model import ElasticNet, Lasso, Status, enet_path, lasso_path


def test_attributes(regression):
    X, y = regression
    model = Lasso(alpha=0.1).fit(X, y)
    assert model.coef_.shape == (40,)
    assert isinstance(model.intercept_, np.floating)
    assert isinstance(model.n_iter_, int)
    assert model.dual_gap_ == model.result_.gap <= 1e-4 * np.mean((y - y.mean()) ** 2)
    assert model.result_.status == Status.CONVERGED
    assert model.sparse_coef_.shape == (1, 40)
    assert_array_equal(model.sparse_coef_.toarray()[0], model.coef_)
    assert model.n_features_in_ == 40
    assert_allclose(model.predict(X), X @ model.coef_ + model.intercept_)
    assert_allclose(model.predict(sparse.csr_array(X)), model.predict(X))
    assert Lasso.path is lasso_path
    assert ElasticNet.path is enet_path


def test_tolerance_is_scikit_learns(regression):
    X, y = regression
    for intercept, centred in ((True, y - y.mean()), (False, y)):
        model = Lasso(alpha=0.1, tol=1e-3, fit_intercept=intercept).fit(X, y)
        assert_allclose(model.result_.tolerance, 1e-3 * np.mean(centred**2))
    w = np.linspace(0, 3, 60)
    mean = np.average(y, weights=w)
    model = Lasso(alpha=0.1, tol=1e-3).fit(X, y, w)
    assert_allclose(model.result_.tolerance, 1e-3 * np.average((y - mean) ** 2, weights=w))


def test_no_intercept(regression):
    model = ElasticNet(fit_intercept=False).fit(*regression)
    assert model.intercept_ == 0.0


@pytest.mark.parametrize("layout", [np.asarray, sparse.csc_array, sparse.csr_matrix])
def test_float32(regression, layout):
    X, y = regression
    narrow = layout(X.astype(np.float32))
    model = ElasticNet(alpha=0.1).fit(narrow, y.astype(np.float32))
    assert model.coef_.dtype == model.intercept_.dtype == np.float32
    assert model.predict(narrow).dtype == np.float32
    wide = ElasticNet(alpha=0.1).fit(X, y)
    assert wide.coef_.dtype == np.float64
    assert_allclose(model.coef_, wide.coef_, atol=1e-2)


def test_several_targets(regression):
    X, y = regression
    Y = np.column_stack([y, -2 * y, X[:, 7]])
    model = ElasticNet(alpha=0.1, tol=1e-10).fit(X, Y)
    expected = sk.ElasticNet(alpha=0.1, tol=1e-10, max_iter=10_000).fit(X, Y)
    assert_allclose(model.coef_, expected.coef_, atol=1e-4)
    assert_allclose(model.intercept_, expected.intercept_, atol=1e-4)
    assert model.dual_gap_.shape == (3,)
    assert len(model.n_iter_) == len(model.result_) == 3
    assert model.sparse_coef_.shape == (3, 40)
    assert_allclose(model.predict(X), expected.predict(X), atol=1e-3)
    for k in range(3):
        alone = ElasticNet(alpha=0.1, tol=1e-10).fit(X, Y[:, k])
        assert_array_equal(alone.coef_, model.coef_[k])


def test_one_target_as_a_column(regression):
    X, y = regression
    model = Lasso(alpha=0.1).fit(X, y[:, np.newaxis])
    expected = sk.Lasso(alpha=0.1).fit(X, y[:, np.newaxis])
    assert model.coef_.shape == expected.coef_.shape == (40,)
    assert model.intercept_.shape == expected.intercept_.shape == (1,)
    assert model.predict(X).shape == expected.predict(X).shape


def test_warm_start(regression):
    X, y = regression
    model = Lasso(alpha=0.05, warm_start=True, tol=1e-8).fit(X, y)
    cold, coef = model.n_iter_, model.coef_.copy()
    model.fit(X, y)
    assert model.n_iter_ == 1 <= cold
    assert_allclose(model.coef_, coef, atol=1e-6)
    model.set_params(alpha=0.04).fit(X, y)
    assert_allclose(model.coef_, Lasso(alpha=0.04, tol=1e-8).fit(X, y).coef_, atol=1e-3)
    with pytest.raises(ValueError, match="expected 1, got 2"):
        model.fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="coef_init must have length 39"):
        model.fit(X[:, :39], y)


def test_random_selection_is_reproducible(regression):
    one = Lasso(alpha=0.01, selection="random", random_state=3).fit(*regression)
    two = Lasso(alpha=0.01, selection="random", random_state=3).fit(*regression)
    assert_array_equal(one.coef_, two.coef_)


def test_penalty_weights(regression):
    X, y = regression
    v = np.linspace(0.5, 2, 40)
    model = ElasticNet(alpha=0.1, penalty_weights=v).fit(X, y)
    path = enet_path(X, y, alphas=[0.1], penalty_weights=v, fit_intercept=True, rtol=2e-4)
    assert_array_equal(model.coef_, path.coefs[:, 0])
    assert_array_equal(
        ElasticNet(alpha=0.1, penalty_weights=v.tolist()).fit(X, y).coef_, model.coef_
    )


def test_scalar_weight_is_no_weight(regression):
    plain = Lasso(alpha=0.1).fit(*regression)
    weighted = Lasso(alpha=0.1).fit(*regression, sample_weight=2.0)
    assert_allclose(weighted.coef_, plain.coef_, atol=1e-6)


def test_survives_pickling(regression):
    X, y = regression
    model = Lasso(alpha=0.1).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(copy.predict(X), model.predict(X))
    assert copy.result_.status is Status.CONVERGED
    path = lasso_path(X, y, alphas=3)
    copy = pickle.loads(pickle.dumps(path))
    assert_array_equal(copy.coefs, path.coefs)
    assert copy.statuses == path.statuses


def test_not_fitted(regression):
    with pytest.raises(NotFittedError):
        Lasso().predict(regression[0])


def test_feature_names(regression):
    pandas = pytest.importorskip("pandas")
    X, y = regression
    frame = pandas.DataFrame(X, columns=[f"x{j}" for j in range(40)])
    model = Lasso(alpha=0.1).fit(frame, y)
    assert list(model.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.iloc[:, ::-1])
