"""lasso_path, enet_path and logistic_path: what they return."""

import numpy as np
import pytest
import sklearn.linear_model as sk
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from cycloid.linear_model import (
    PathResult,
    Result,
    Status,
    enet_path,
    lasso_path,
    logistic_path,
)


def test_unpacks_as_scikit_learns(regression):
    X, y = regression
    alphas, coefs, gaps = lasso_path(X, y, alphas=20, rtol=1e-10)
    expected_alphas, expected_coefs, expected_gaps = sk.lasso_path(
        X, y, alphas=alphas, tol=1e-10, max_iter=10_000
    )
    assert_allclose(alphas, expected_alphas)
    assert coefs.shape == expected_coefs.shape
    assert_allclose(coefs, expected_coefs, atol=1e-4)
    assert gaps.shape == expected_gaps.shape


def test_grid_is_scikit_learns(regression):
    X, y = regression
    model = sk.ElasticNetCV(l1_ratio=0.3, eps=0.01, fit_intercept=False).fit(X, y)
    path = enet_path(X, y, l1_ratio=0.3, eps=0.01)
    assert_allclose(path.alphas, model.alphas_, rtol=1e-12)
    assert_allclose(path.alpha_max, model.alphas_[0], rtol=1e-12)


def test_result_of_a_path(regression):
    X, y = regression
    path = enet_path(X, y, alphas=7, l1_ratio=0.5, fit_intercept=True)
    assert isinstance(path, PathResult)
    assert path.converged
    assert path.coefs.shape == path.coefs_sparse.shape == (40, 7)
    assert path.coefs_sparse.format == "csc"
    assert path.coefs is path.coefs  # made once
    assert_array_equal(path.coefs, path.coefs_sparse.toarray())
    for name in ("intercepts", "gaps", "objectives", "dual_objectives", "violations", "n_iters",
                 "seconds", "alphas"):  # fmt: skip
        assert getattr(path, name).shape == (7,), name
    assert path.statuses == (Status.CONVERGED,) * 7
    assert path.tolerance == 1e-6 * path.null_objective
    assert (path.gaps <= path.tolerance).all()
    assert "trace" not in repr(path)


def test_result_at_one_alpha(regression):
    path = lasso_path(*regression, alphas=7, fit_intercept=True)
    for k in (0, 3, -1):
        result = path.at(k)
        assert isinstance(result, Result)
        assert result.alpha == path.alphas[k]
        assert_array_equal(result.coef, path.coefs[:, k])
        assert result.intercept == path.intercepts[k]
        assert result.converged
        assert result.gap == path.gaps[k]
        assert result.n_iter == path.n_iters[k]
    with pytest.raises(IndexError):
        path.at(7)


def test_trace(regression):
    path = lasso_path(*regression, alphas=5, eps=0.01, rtol=1e-12)
    expected = {"alpha", "iteration", "seconds", "objective", "gap", "violation", "n_active",
                "n_working", "n_screened", "n_epochs", "n_newton"}  # fmt: skip
    assert set(path.trace) == expected
    lengths = {len(column) for column in path.trace.values()}
    assert lengths == {path.n_iters.sum()}
    assert (np.diff(path.trace["seconds"]) >= 0).all()
    last = path.at(-1)
    assert last.trace["gap"][-1] == last.gap
    assert last.trace["n_active"][-1] == np.count_nonzero(last.coef)
    assert_array_equal(last.trace["iteration"], np.arange(last.n_iter) + 1)


def test_given_alphas_are_solved_from_the_largest(regression):
    path = lasso_path(*regression, alphas=[0.1, 1.0, 0.5])
    assert_array_equal(path.alphas, [1.0, 0.5, 0.1])
    again = lasso_path(*regression, alphas=np.array([1.0, 0.5, 0.1]))
    assert_array_equal(path.coefs, again.coefs)


def test_number_of_alphas(regression):
    assert len(lasso_path(*regression).alphas) == 100
    assert len(lasso_path(*regression, alphas=None).alphas) == 100
    assert len(lasso_path(*regression, n_alphas=6).alphas) == 6
    assert len(lasso_path(*regression, alphas=np.int64(6)).alphas) == 6
    assert len(lasso_path(*regression, alphas=1).alphas) == 1


def test_lasso_path_is_enet_path_with_l1_alone(regression):
    lasso = lasso_path(*regression, alphas=5)
    enet = enet_path(*regression, alphas=5, l1_ratio=1.0)
    assert_array_equal(lasso.coefs, enet.coefs)


def test_absolute_and_relative_tolerance(regression):
    loose = lasso_path(*regression, alphas=[0.01], rtol=1e-12, tol=0.5)
    assert loose.tolerance == 0.5
    tight = lasso_path(*regression, alphas=[0.01], rtol=1e-12)
    assert tight.tolerance == 1e-12 * tight.null_objective
    assert tight.gaps[0] <= tight.tolerance
    assert tight.n_iters[0] >= loose.n_iters[0]


def test_adaptive_lasso_by_weights_is_a_lasso_on_scaled_features(regression):
    X, y = regression
    v = np.linspace(0.5, 3, 40)
    weighted = lasso_path(X, y, alphas=[0.1], penalty_weights=v, rtol=1e-12)
    scaled = lasso_path(X / v, y, alphas=[0.1], rtol=1e-12)
    assert_allclose(weighted.coefs[:, 0], scaled.coefs[:, 0] / v, atol=1e-6)


def test_unpenalised_coefficient_is_that_of_the_projected_problem(regression):
    X, y = regression
    v = np.ones(40)
    v[0] = 0
    free = lasso_path(X, y, alphas=[0.3], penalty_weights=v, rtol=1e-12)
    a = X[:, 0]
    project = np.eye(60) - np.outer(a, a) / (a @ a)
    rest = lasso_path(project @ X[:, 1:], project @ y, alphas=[0.3], rtol=1e-12)
    assert_allclose(free.coefs[1:], rest.coefs, atol=1e-6)
    assert free.coefs[0, 0] != 0


def test_logistic_path_by_inverse_strengths(classification):
    X, y = classification
    Cs = [0.01, 1.0, 0.1]
    path = logistic_path(X, y, Cs=Cs, rtol=1e-8)
    assert_allclose(path.alphas, 1 / (120 * np.sort(Cs)))
    again = logistic_path(X, y, alphas=path.alphas, rtol=1e-8)
    assert_array_equal(path.coefs, again.coefs)
    w = np.full(120, 2.0)
    assert_allclose(logistic_path(X, y, Cs=Cs, sample_weight=w).alphas, path.alphas / 2)
    assert_allclose(logistic_path(X, y, Cs=Cs, sample_weight=2.0).alphas, path.alphas / 2)


def test_labels_of_any_type(classification):
    X, y = classification
    expected = logistic_path(X, y, alphas=5)
    for labels in (y == "yes", np.where(y == "yes", 3, -7), (y == "yes").astype(float).tolist(),
                   np.asarray(y, dtype=object)):  # fmt: skip
        assert_array_equal(logistic_path(X, labels, alphas=5).coefs, expected.coefs)
    flipped = logistic_path(X, y == "no", alphas=5)
    assert_allclose(flipped.coefs, -expected.coefs, atol=1e-6)


def test_data_frames(regression):
    pandas = pytest.importorskip("pandas")
    X, y = regression
    expected = lasso_path(X, y, alphas=5)
    frame = lasso_path(pandas.DataFrame(X), pandas.Series(y), alphas=5)
    assert_allclose(frame.coefs, expected.coefs, atol=1e-9)


def test_statuses_have_sentences():
    assert [status.value for status in Status] == list(range(8))
    for status in Status:
        assert status.sentence
        assert status.remedy or status == Status.CONVERGED
    assert Status(2) is Status.TIME_LIMIT


def test_sparse_is_never_made_dense(rng):
    # As an array X would take 40 GB.
    X = sparse.random_array((50_000, 100_000), density=1e-6, rng=rng, format="csc")
    y = X[:, np.argsort(-np.diff(X.indptr))[:3]].sum(axis=1) + 1e-3 * rng.standard_normal(50_000)
    path = lasso_path(X, y, alphas=3, fit_intercept=True)
    assert path.converged
    assert path.coefs_sparse.nnz < 5_000


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_ridge_on_wide_sparse_data(rng, fit_intercept):
    """More columns than a Gram matrix is made for: sparse data are solved in the dual."""
    X = sparse.random_array((150, 3000), density=0.02, rng=rng, format="csc")
    y = np.where(X @ rng.standard_normal(3000) > 0.5, 1.0, -1.0)
    options = dict(
        alphas=[0.1, 0.01, 1e-4],
        l1_ratio=0.0,
        fit_intercept=fit_intercept,
        sample_weight=rng.integers(0, 3, 150).astype(float),
        penalty_weights=rng.uniform(0.5, 2.0, 3000),
        rtol=1e-12,
    )
    dense = logistic_path(X.toarray(), y, **options)
    path = logistic_path(X, y, n_threads=1, **options)
    assert path.converged
    assert_allclose(path.coefs, dense.coefs, rtol=1e-4, atol=1e-6 * abs(dense.coefs).max())
    assert_allclose(path.intercepts, dense.intercepts, rtol=1e-4, atol=1e-6)
    assert_array_equal(path.coefs, logistic_path(X, y, n_threads=2, **options).coefs)
