"""Odd input: the right answer, never a crash, never a changed input."""

import warnings

import numpy as np
import pytest
from entries import ENTRIES, LAYOUTS, assert_same
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from cycloid.linear_model import (
    ElasticNet,
    Lasso,
    LassoCV,
    LogisticRegression,
    Status,
    enet_path,
    lasso_path,
)


def strided_views(X):
    """Views of the same numbers with other strides, and what to compare with."""
    double = np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)
    yield "every second row and column", double[::2, ::2]
    yield "every second row", np.repeat(X, 2, axis=0)[::2]
    yield "some columns of C", np.hstack([X, X])[:, : X.shape[1]]
    yield "some rows of F", np.asfortranarray(np.vstack([X, X]))[: len(X)]
    yield "backwards", X[::-1, ::-1].copy()[::-1, ::-1]
    yield "transpose", np.ascontiguousarray(X.T).T
    record = np.zeros(X.shape, dtype=[("x", float), ("other", np.int8)])
    record["x"] = X
    yield "unaligned", record["x"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_strides(entry, data):
    X, y = data
    expected = ENTRIES[entry](X, y)
    for name, view in strided_views(X):
        assert_array_equal(view, X, err_msg=name)
        before = view.copy()
        assert_same(ENTRIES[entry](view, y), expected)
        assert_array_equal(view, before, err_msg=name)


def test_overlapping_and_broadcast_views(rng):
    series = rng.standard_normal(40)
    X = np.lib.stride_tricks.sliding_window_view(series, 5)
    y = X[:, 1] - X[:, 3]
    assert_allclose(
        lasso_path(X, y, alphas=[0.1]).coefs, lasso_path(X.copy(), y, alphas=[0.1]).coefs, atol=1e-9
    )
    row = np.broadcast_to(series[:5], (20, 5))
    assert not lasso_path(row, np.ones(20), fit_intercept=True, alphas=[0.1]).coefs.any()


def test_read_only_and_memory_mapped(entry, data, tmp_path):
    X, y = data
    expected = ENTRIES[entry](X, y)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r"), np.load(tmp_path / "y.npy", mmap_mode="r")
    assert_same(ENTRIES[entry](*mapped), expected)
    for array in (X, y):
        array.setflags(write=False)
    w = np.ones(len(y))
    w.setflags(write=False)
    assert_same(ENTRIES[entry](X, y, w), expected)
    for layout in ("csc", "csr"):
        view = LAYOUTS[layout](X)
        for array in (view.data, view.indices, view.indptr):
            array.setflags(write=False)
        assert_same(ENTRIES[entry](view, y), expected)


@pytest.mark.parametrize("layout", ["csc", "csr"])
@pytest.mark.parametrize("index_type", [np.int32, np.int64])
def test_sparse_with_unsorted_and_duplicate_indices(entry, data, layout, index_type):
    X, y = data
    X = np.where(X > 0.5, X, 0.0)
    expected = ENTRIES[entry](X, y)
    tidy = LAYOUTS[layout](X)
    columns = np.split(tidy.indices, tidy.indptr[1:-1])
    values = np.split(tidy.data, tidy.indptr[1:-1])
    messy = type(tidy)(X.shape)
    # Each entry in two halves, the second half of all after the first, both backwards.
    messy.indices = np.concatenate([np.tile(c[::-1], 2) for c in columns]).astype(index_type)
    messy.data = np.concatenate([np.tile(v[::-1] / 2, 2) for v in values])
    messy.indptr = (2 * tidy.indptr).astype(index_type)
    before = [messy.data.copy(), messy.indices.copy(), messy.indptr.copy()]
    assert_same(ENTRIES[entry](messy, y), expected)
    for array, copy in zip((messy.data, messy.indices, messy.indptr), before, strict=True):
        assert_array_equal(array, copy)
    assert messy.indices.dtype == index_type


def test_sparse_that_is_broken(entry, data):
    X, y = data
    for index in (60, -1):
        broken = sparse.csc_array(X)
        broken.indices = broken.indices.copy()
        broken.indices[5] = index
        with pytest.raises(ValueError, match="X is not a valid sparse CSC array|indices"):
            ENTRIES[entry](broken, y)


def test_explicit_zeros_in_sparse(entry, data):
    X, y = data
    X = np.where(X > 0.5, X, 0.0)
    dense_pattern = sparse.csc_array(np.ones_like(X))
    dense_pattern.data = X.T.ravel().copy()
    assert_same(ENTRIES[entry](dense_pattern, y), ENTRIES[entry](X, y))


def test_constant_and_zero_columns(entry, data):
    X, y = data
    odd = np.column_stack([X, np.zeros(60), np.full(60, 3.0)])
    model = ENTRIES[entry](odd, y)
    coefs = np.atleast_2d(getattr(model, "coef_", getattr(model, "coefs", None)))
    coefs = coefs if coefs.shape[-1] == 8 else coefs.T
    assert np.isfinite(coefs).all()
    assert not coefs[:, 6].any()
    if entry not in (
        "lasso_path",
        "enet_path",
        "group_lasso_path",
    ):  # these have no intercept by default
        assert_allclose(coefs[:, 7], 0, atol=1e-8)


def test_no_feature_varies(entry, data):
    _, y = data
    X = np.tile([1.0, -2.0, 0.0], (60, 1))
    model = ENTRIES[entry](X, y)
    if entry in ("lasso_path", "enet_path", "group_lasso_path"):
        assert np.isfinite(model.coefs).all()
    else:
        coefs = getattr(model, "coef_", getattr(model, "coefs", None))
        assert_allclose(coefs, 0, atol=1e-8)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_duplicate_columns(layout, regression):
    X, y = regression
    twice = LAYOUTS[layout](np.hstack([X, X]))
    alone = Lasso(alpha=0.1, tol=1e-10).fit(X, y)
    model = Lasso(alpha=0.1, tol=1e-10).fit(twice, y)
    assert model.result_.status == Status.CONVERGED
    assert_allclose(model.coef_[:40] + model.coef_[40:], alone.coef_, atol=1e-5)
    assert_allclose(model.result_.objective, alone.result_.objective, rtol=1e-8)


def test_constant_y(regression):
    X, _ = regression
    for model in (Lasso(alpha=0.1), ElasticNet(alpha=0.1), LassoCV(alphas=5)):
        model.fit(X, np.full(60, 3.0))
        assert_allclose(model.coef_, 0, atol=1e-12)
        assert_allclose(model.intercept_, 3.0)
    path = lasso_path(X, np.zeros(60), alphas=4)
    assert path.converged
    assert len(path.alphas) == 4
    assert not path.coefs.any()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_row_and_one_column(layout):
    row = LAYOUTS[layout](np.array([[1.0, 2.0, 3.0]]))
    model = Lasso(alpha=0.1).fit(row, [5.0])
    assert not model.coef_.any()
    assert model.intercept_ == 5.0
    without = lasso_path(row, [5.0], alphas=[0.3], rtol=1e-12)
    assert_allclose(without.coefs[:, 0], [0, 0, (5 - 0.1) / 3], atol=1e-9)
    column = LAYOUTS[layout](np.array([[1.0], [2.0], [4.0]]))
    path = lasso_path(column, [1.0, 2.0, 4.0], alphas=[0.7], rtol=1e-12)
    assert_allclose(path.coefs, [[1 - 0.7 / 7]], rtol=1e-9)
    classifier = LogisticRegression(C=1.0, tol=1e-10).fit(column, [0, 1, 1])
    assert classifier.coef_[0, 0] > 0


def test_one_by_one_of_odd_strides():
    wide = np.arange(1.0, 101.0).reshape(10, 10)
    path = lasso_path(wide[2:3, 3:4], [5.0], alphas=[0.0])
    assert_allclose(path.coefs, [[5 / wide[2, 3]]], rtol=1e-6)
    column = wide[:, 4:5]
    assert_allclose(lasso_path(column, column[:, 0], alphas=[0.0]).coefs, [[1.0]], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_huge_and_tiny_values(scale, layout, regression):
    """The problem with X scaled and alpha scaled along has the same solution over the scale."""
    X, y = regression
    expected = Lasso(alpha=0.1, tol=1e-8).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = Lasso(alpha=0.1 * scale, tol=1e-8).fit(LAYOUTS[layout](X * scale), y)
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_)
    if model.result_.status == Status.CONVERGED:
        assert_allclose(model.coef_ * scale, expected.coef_, atol=1e-3)


@pytest.mark.parametrize("scale", [1e-200, 1e200, 1e300])
def test_values_whose_squares_overflow(scale, regression):
    X, y = regression
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            path = lasso_path(X * scale, y, alphas=5)
        except ValueError as error:
            assert "overflow" in str(error)  # noqa: PT017
        else:
            assert np.isfinite(path.coefs).all()
        path = lasso_path(X, y * scale, alphas=5)
    assert np.isfinite(path.coefs).all()


def test_inputs_are_never_changed(entry, data):
    X, y = data
    w = np.linspace(0, 2, 60)
    for layout in LAYOUTS.values():
        view = layout(X)
        arrays = (view.data, view.indices, view.indptr) if sparse.issparse(view) else (view,)
        before = [array.copy() for array in (*arrays, y, w)]
        ENTRIES[entry](view, y, w)
        for array, copy in zip((*arrays, y, w), before, strict=True):
            assert_array_equal(array, copy)


def test_vectors_are_never_changed(regression):
    X, y = regression
    given = {
        "alphas": np.array([0.1, 0.5, 0.2]),
        "penalty_weights": np.linspace(0.5, 2, 40),
        "coef_init": np.linspace(-1, 1, 40),
    }
    before = {name: array.copy() for name, array in given.items()}
    path = enet_path(X, y, **given)
    assert_array_equal(path.alphas, [0.5, 0.2, 0.1])
    for name, array in given.items():
        assert_array_equal(array, before[name], err_msg=name)
