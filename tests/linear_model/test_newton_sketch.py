"""LogisticRegression(solver='newton-sketch') and PoissonRegressor, beside scikit-learn."""

import warnings

import numpy as np
import pytest
import sklearn.linear_model as sk
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import xlogy
from sklearn.exceptions import ConvergenceWarning

from cycloid.linear_model import LogisticRegression, NewtonResult, PoissonRegressor, Status

pytestmark = pytest.mark.numerical

LAYOUTS = [np.ascontiguousarray, np.asfortranarray, sparse.csr_array, sparse.csc_array]


def classes_of(X, n_classes, rng):
    scores = X[:, :4] @ rng.standard_normal((4, n_classes)) / X.std()
    return (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)


@pytest.fixture
def tall(rng):
    """(X, y, sample_weight) with correlated columns of different sizes, n = 3000, p = 12."""
    X = rng.standard_normal((3000, 12)) @ rng.standard_normal((12, 12))
    X = X * np.logspace(-1, 1, 12) + np.linspace(-3, 3, 12)
    return X, classes_of(X, 2, rng), rng.uniform(0, 2, 3000)


def logistic_gradient(model, X, y, weights, C):
    """Of scikit-learn's objective divided by the sum of the weights, by plain numpy."""
    probabilities = model.predict_proba(X)
    errors = probabilities - (np.asarray(y)[:, np.newaxis] == model.classes_)
    errors = (errors[:, 1:] if len(model.classes_) == 2 else errors) * weights[:, np.newaxis]
    by_coef = errors.T @ X + model.coef_ / C
    return np.concatenate([by_coef.ravel(), errors.sum(axis=0)]) / weights.sum()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_gradient_vanishes(tall, layout, n_classes, rng):
    X, _, weights = tall
    y = classes_of(X, n_classes, rng)
    model = LogisticRegression(C=0.01, solver="newton-sketch", tol=1e-13)
    model.fit(layout(X), y, weights)
    assert isinstance(model.result_, NewtonResult)
    assert model.result_.status == Status.CONVERGED
    assert abs(logistic_gradient(model, X, y, weights, 0.01)).max() < 1e-6
    assert_allclose(model.coef_.sum(axis=0) if n_classes > 2 else 0, 0, atol=1e-9)


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_is_scikit_learn(tall, fit_intercept, n_classes, rng):
    X, _, weights = tall
    y = classes_of(X, n_classes, rng)
    ours = LogisticRegression(
        C=0.1, solver="newton-sketch", tol=1e-13, fit_intercept=fit_intercept
    ).fit(X, y, weights)
    theirs = sk.LogisticRegression(
        C=0.1, solver="newton-cholesky", tol=1e-11, max_iter=1000, fit_intercept=fit_intercept
    ).fit(X, y, weights)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    assert_allclose(ours.predict_log_proba(X), np.log(ours.predict_proba(X)))
    assert_array_equal(ours.predict(X), ours.classes_[ours.predict_proba(X).argmax(axis=1)])
    assert ours.coef_.shape == theirs.coef_.shape
    assert ours.intercept_.shape == np.shape(theirs.intercept_)
    assert ours.decision_function(X).shape == theirs.decision_function(X).shape


def test_gap_is_the_other_solvers(classification):
    """The certificate bounds the distance to the value that block coordinate descent finds."""
    X, y = classification
    best = LogisticRegression(tol=1e-14).fit(X, y).result_.objective
    for tol in (0.3, 1e-2, 1e-6):
        result = LogisticRegression(solver="newton-sketch", tol=tol).fit(X, y).result_
        assert result.gap <= result.tolerance
        assert result.tolerance <= tol * np.log(2)
        assert best - 1e-12 <= result.objective <= best + result.gap + 1e-12


def test_seed_and_threads(tall):
    """The subsample that a fit starts from moves it by less than the tolerance, threads by none."""
    X, y, _ = tall
    fits = [
        LogisticRegression(
            solver="newton-sketch", tol=1e-12, random_state=seed, n_threads=threads
        ).fit(X, y)
        for seed, threads in [(0, 1), (0, 2), (1, 1)]
    ]
    assert_array_equal(fits[0].coef_, fits[1].coef_)
    assert (fits[0].coef_ != fits[2].coef_).any()
    assert_allclose(fits[0].coef_, fits[2].coef_, atol=1e-6)


def test_no_penalty(classification):
    X, y = classification
    model = LogisticRegression(C=np.inf, solver="newton-sketch", tol=1e-10).fit(X, y)
    assert model.result_.gap == np.inf
    assert model.result_.violation <= 1e-10
    expected = LogisticRegression(C=np.inf, tol=1e-14).fit(X, y)
    assert_allclose(model.coef_, expected.coef_, atol=1e-5)


def test_warm_start(tall):
    X, y, _ = tall
    model = LogisticRegression(solver="newton-sketch", warm_start=True, tol=1e-12).fit(X, y)
    first = model.coef_
    model.fit(X, y)
    assert model.n_iter_[0] <= 1
    assert_allclose(model.coef_, first, atol=1e-6)
    model.fit(X, np.arange(len(y)) % 3)  # other classes: from the beginning
    assert model.coef_.shape == (3, 12)


def test_options_of_other_penalties_are_refused(classification):
    for parameters in ({"l1_ratio": 0.5}, {"selection": "random"}, {"penalty_weights": [1.0] * 20}):
        with pytest.raises(ValueError, match="is not for solver='newton-sketch'"):
            LogisticRegression(solver="newton-sketch", **parameters).fit(*classification)


def test_limits_warn(tall):
    X, y, _ = tall
    fit = {"solver": "newton-sketch", "tol": 1e-14}
    with pytest.warns(ConvergenceWarning, match=r"MAX_ITER.*the duality gap is .*wanted"):
        model = LogisticRegression(max_iter=1, **fit).fit(X, y)
    assert model.result_.status == Status.MAX_ITER
    with pytest.warns(ConvergenceWarning, match="TIME_LIMIT"):
        LogisticRegression(time_limit=0, **fit).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="STOPPED"):
        LogisticRegression(callback=lambda row: True, **fit).fit(X, y)
    with pytest.raises(ZeroDivisionError):
        LogisticRegression(callback=lambda row: 1 / 0, **fit).fit(X, y)


def test_verbose_prints_a_table(tall, capsys):
    X, y, _ = tall
    LogisticRegression(solver="newton-sketch", verbose=1).fit(X, y)
    assert capsys.readouterr().out.split()[:3] == ["iteration", "seconds", "objective"]


@pytest.mark.parametrize("shape", [(2, 1), (3, 7), (40, 60), (5, 1)])
def test_small_and_wide(shape, rng):
    X = rng.standard_normal(shape)
    y = np.arange(shape[0]) % 2
    model = LogisticRegression(solver="newton-sketch", tol=1e-12).fit(X, y)
    expected = LogisticRegression(tol=1e-14).fit(X, y)
    assert_allclose(model.coef_, expected.coef_, atol=1e-5)


def test_columns_that_are_hard(rng):
    """Constant, repeated, empty, huge and tiny columns."""
    z = rng.standard_normal((400, 3))
    X = np.column_stack([z, z[:, 0], np.ones(400), np.zeros(400), 1e8 * z[:, 1], 1e-8 * z[:, 2]])
    y = (z.sum(axis=1) + rng.logistic(size=400) > 0).astype(int)
    model = LogisticRegression(solver="newton-sketch", tol=1e-8).fit(X, y)
    assert model.result_.converged
    assert model.coef_[0, 5] == 0
    assert_allclose(model.coef_[0, 0], model.coef_[0, 3], atol=1e-6)
    errors = (model.predict_proba(X)[:, 1] - y) / 400
    gap = np.sum((X.T @ errors + model.coef_[0] / 400) ** 2) * 400 / 2
    assert gap < 1e-8


def test_many_sparse_columns(rng):
    """More columns than a matrix of them would be made for."""
    X = sparse.random_array((4000, 6000), density=2e-3, format="csr", rng=rng)
    y = np.where(X @ rng.standard_normal(6000) > 0, 1, 0)
    model = LogisticRegression(solver="newton-sketch", tol=1e-9).fit(X, y)
    expected = LogisticRegression(tol=1e-9).fit(X, y)
    assert_allclose(model.result_.objective, expected.result_.objective, rtol=1e-7)


# ----------------------------------------------------------------------------------------- Poisson


@pytest.fixture
def counts(rng):
    X = rng.standard_normal((2000, 8)) * np.logspace(-1, 0.5, 8) + 1
    return X, rng.poisson(np.exp(0.3 * X[:, 0] - 0.2 * X[:, 5])), rng.uniform(0, 2, 2000)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_poisson_is_scikit_learn(counts, layout, fit_intercept):
    X, y, weights = counts
    ours = PoissonRegressor(alpha=0.01, tol=1e-10, fit_intercept=fit_intercept)
    ours.fit(layout(X), y, weights)
    theirs = sk.PoissonRegressor(
        alpha=0.01, tol=1e-9, max_iter=2000, solver="newton-cholesky", fit_intercept=fit_intercept
    ).fit(X, y, weights)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-7)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-7)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6)
    assert_allclose(ours.score(X, y, weights), theirs.score(X, y, weights))
    assert ours.result_.violation <= 1e-10


def test_poisson_gap_bounds_the_objective(counts):
    X, y, _ = counts

    def objective(model):
        z = X @ model.coef_ + model.intercept_
        return np.mean(np.exp(z) - y * z) + 0.05 * model.coef_ @ model.coef_

    best = objective(PoissonRegressor(alpha=0.1, tol=1e-12).fit(X, y))
    for tol in (1e-1, 1e-2):
        model = PoissonRegressor(alpha=0.1, tol=tol).fit(X, y)
        assert_allclose(objective(model), model.result_.objective, rtol=1e-12)
        assert objective(model) - best <= model.result_.gap + 1e-12


def test_poisson_from_far_away(counts):
    X, y, _ = counts
    model = PoissonRegressor(alpha=1e-3, tol=1e-8, warm_start=True).fit(X, y)
    expected = model.coef_
    model.coef_, model.intercept_ = np.full(8, 3.0), 2.0  # rates up to exp(60)
    assert_allclose(model.fit(X, y).coef_, expected, atol=1e-5)


def test_poisson_single_precision_and_rates(counts):
    X, y, _ = counts
    model = PoissonRegressor().fit(X.astype(np.float32), y / 7)
    assert model.coef_.dtype == model.intercept_.dtype == np.float32


def test_poisson_only_zeros_stays_finite(rng):
    X = rng.standard_normal((30, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = PoissonRegressor().fit(X, np.zeros(30))
    assert np.isfinite(model.coef_).all()
    assert model.predict(X).max() < 1e-3


def test_poisson_deviance_is_explained_share(counts):
    X, y, _ = counts
    model = PoissonRegressor(alpha=0).fit(X, y)
    rate = model.predict(X)
    explained = 1 - np.mean(xlogy(y, y / rate) - y + rate) / np.mean(xlogy(y, y / y.mean()))
    assert_allclose(model.score(X, y), explained)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"alpha": -1.0}, ValueError),
        ({"alpha": np.inf}, ValueError),
        ({"tol": "small"}, TypeError),
        ({"max_iter": 0}, ValueError),
        ({"solver": "sag"}, ValueError),
        ({"fit_intercept": 1}, TypeError),
        ({"verbose": -1}, ValueError),
        ({"random_state": "seed"}, ValueError),
    ],
)
def test_poisson_parameter_that_is_wrong(parameters, error, counts):
    (name,) = parameters
    with pytest.raises(error, match="seed" if name == "random_state" else name):
        PoissonRegressor(**parameters).fit(*counts)


def test_poisson_bad_data(counts):
    X, y, _ = counts
    with pytest.raises(ValueError, match="y must be non-negative"):
        PoissonRegressor().fit(X, y - 5)
    for value in (np.nan, np.inf):
        broken = X.copy()
        broken[7, 3] = value
        for layout in LAYOUTS:
            with pytest.raises(ValueError, match=r"X contains NaN|infinity"):
                PoissonRegressor().fit(layout(broken), y)
    model = PoissonRegressor(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="warm_start needs as many features as before"):
        model.fit(X[:, :3], y)
