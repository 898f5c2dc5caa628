"""standardize=True: the plain problem on standardised features, its coefficients unscaled."""

from functools import partial

import numpy as np
import pytest
from entries import LAYOUTS, signs
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from cycloid.linear_model import enet_path, lasso_path, logistic_path

pytestmark = pytest.mark.numerical

PATHS = {
    "lasso_path": lasso_path,
    "enet_path": partial(enet_path, l1_ratio=0.7),
    "logistic_path": partial(logistic_path, l1_ratio=0.9),
}


@pytest.fixture(params=PATHS)
def path_of(request):
    """One of the path functions, accurate enough to compare coefficients."""
    tight = partial(PATHS[request.param], alphas=8, eps=0.02, rtol=1e-14)
    if request.param == "logistic_path":
        return lambda X, y, **options: tight(X, signs(y), **options)
    return tight


@pytest.fixture
def problem(rng):
    """Many zeros, columns of very different scales, y with weights."""
    X = rng.standard_normal((80, 30)) * (rng.random((80, 30)) < 0.5) + (np.arange(30) == 4)
    y = X @ (rng.standard_normal(30) * (np.arange(30) < 8)) + 0.5 * rng.standard_normal(80)
    return X * np.logspace(-2, 2, 30), y, rng.integers(0, 4, 80).astype(float)


def deviations(X, weights, centred):
    mean = np.average(X, axis=0, weights=weights) if centred else 0
    d = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
    return np.where(d > 1e-14 * np.abs(X).max(axis=0), d, 1)


def assert_standardised(path, plain, d):
    """`path` is `plain`, solved on X / d."""
    assert path.converged
    assert plain.converged
    assert_allclose(path.alphas, plain.alphas, rtol=1e-9)
    assert_allclose(path.coefs * d[:, np.newaxis], plain.coefs, atol=1e-8)
    assert_allclose(path.intercepts, plain.intercepts, atol=1e-8)
    assert_allclose(path.objectives, plain.objectives, rtol=1e-9)
    assert_allclose(path.dual_objectives, plain.dual_objectives, rtol=1e-9)
    assert_allclose([path.alpha_max, path.null_objective], [plain.alpha_max, plain.null_objective])


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_is_the_plain_path_of_standardised_features(path_of, problem, layout, fit_intercept):
    X, y, weights = problem
    options = {"fit_intercept": fit_intercept, "sample_weight": weights}
    d = deviations(X, weights, fit_intercept)
    plain = path_of(X / d, y, **options)
    for precompute in ("auto", False):
        path = path_of(LAYOUTS[layout](X), y, standardize=True, precompute=precompute, **options)
        assert_standardised(path, plain, d)


def test_with_penalty_weights_and_signs(path_of, problem):
    X, y, _ = problem
    options = {"penalty_weights": np.linspace(0.5, 2, 30), "positive": True, "fit_intercept": True}
    d = deviations(X, None, True)
    assert_standardised(path_of(X, y, standardize=True, **options), path_of(X / d, y, **options), d)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_single_precision(path_of, problem, layout):
    X, y, _ = problem
    X = X.astype(np.float32)
    d = deviations(X.astype(float), None, True)
    plain = path_of(X / d, y, fit_intercept=True)
    path = path_of(LAYOUTS[layout](X), y, fit_intercept=True, standardize=True)
    assert_standardised(path, plain, d)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_units_of_the_features_do_not_matter(path_of, problem, layout, fit_intercept):
    X, y, _ = problem
    units = np.tile([1e-8, 1.0, 1e8], 10)
    d = deviations(X, None, fit_intercept)
    plain = path_of(X / d, y, fit_intercept=fit_intercept)
    path = path_of(LAYOUTS[layout](X * units), y, fit_intercept=fit_intercept, standardize=True)
    assert_standardised(path, plain, units * d)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_constant_columns(path_of, problem, layout, fit_intercept):
    X, y, weights = problem
    X[:, 0], X[:, 1] = 0.0, 3.7
    if fit_intercept:  # else the solution would not be unique
        X[weights > 0, 2] = 1e5
    options = {"fit_intercept": fit_intercept, "sample_weight": weights}
    path = path_of(LAYOUTS[layout](X), y, standardize=True, **options)
    d = deviations(X, weights, fit_intercept)
    assert_standardised(path, path_of(X / d, y, **options), d)
    assert np.isfinite(path.coefs).all()
    assert not path.coefs[0].any()
    if fit_intercept:
        assert not path.coefs[:3].any()


def test_objective_is_that_of_the_docstring(problem):
    X, y, weights = problem
    path = enet_path(X, y, l1_ratio=0.7, alphas=5, standardize=True, fit_intercept=True,
                     sample_weight=weights)  # fmt: skip
    d = deviations(X, weights, True)
    for k, alpha in enumerate(path.alphas):
        residual = y - path.intercepts[k] - X @ path.coefs[:, k]
        scaled = d * path.coefs[:, k]
        penalty = 0.7 * np.abs(scaled).sum() + 0.15 * (scaled**2).sum()
        objective = np.average(residual**2, weights=weights) / 2 + alpha * penalty
        assert_allclose(path.objectives[k], objective, rtol=1e-10)
    assert_allclose(path.gaps, path.objectives - path.dual_objectives, atol=1e-15)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_start_is_in_the_units_of_the_features(path_of, problem, fit_intercept):
    X, y, _ = problem
    options = {"fit_intercept": fit_intercept, "standardize": True}
    solved = path_of(X, y, **options)
    alpha = solved.alphas[-1:]
    options |= {"alphas": alpha, "rtol": 1e-5}
    cold = path_of(X, y, **options)
    warm = path_of(X, y, coef_init=solved.coefs[:, -1], **options)
    assert cold.trace["objective"][0] > warm.trace["objective"][0]
    assert_allclose(warm.objectives, solved.objectives[-1:], rtol=1e-4)


def test_features_of_unit_deviation_are_as_they_are(regression):
    X, y = regression
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    plain, path = (lasso_path(X, y, rtol=1e-12, standardize=s) for s in (False, True))
    assert_allclose(path.coefs, plain.coefs, atol=1e-8)


def test_sparse_is_never_made_dense(rng):
    # As an array X would take 40 GB.
    X = sparse.random_array((50_000, 100_000), density=1e-6, rng=rng, format="csr")
    y = X[:, np.argsort(-np.bincount(X.indices))[:3]].sum(axis=1) + 1e-3 * rng.random(50_000)
    path = lasso_path(X, y, alphas=3, fit_intercept=True, standardize=True)
    assert path.converged


def test_bad_input(regression):
    X, y = regression
    with pytest.raises(TypeError, match="standardize must be True or False; got 1"):
        lasso_path(X, y, standardize=1)
    X[3, 5] = np.nan
    for layout in LAYOUTS.values():
        with pytest.raises(ValueError, match="NaN"):
            lasso_path(layout(X), y, standardize=True)


def test_input_is_left_alone(path_of, problem):
    X, y, _ = problem
    start = np.ones(30)
    before = X.copy(), y.copy(), start.copy()
    path_of(X, y, standardize=True, coef_init=start)
    for array, copy in zip((X, y, start), before, strict=True):
        assert_array_equal(array, copy)


@pytest.mark.parametrize("size", [1.0, 1e-30, 1e30, 1e100])
def test_a_wide_sparse_ridge(size):
    """Rows in single precision serve the dual solver; of columns beyond it, none are asked for."""
    rng = np.random.default_rng(8)
    X = sparse.random(150, 400, density=0.05, random_state=8, format="csc")
    X.data = rng.standard_normal(X.nnz)
    y = np.where(X @ rng.standard_normal(400) > 0, 1, 0)
    setting = {"l1_ratio": 0.0, "alphas": [0.05], "rtol": 1e-10, "standardize": True}
    plain = logistic_path(X, y, **setting)
    scaled = logistic_path(X * size, y, **setting)
    assert plain.converged
    assert scaled.converged
    assert_allclose(scaled.coefs * size, plain.coefs, rtol=0, atol=1e-5 * np.abs(plain.coefs).max())
