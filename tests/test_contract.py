"""Bad and odd input: a clear error or the right answer, never a crash, never a changed input."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from cycloid.linear_model import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    LogisticRegression,
    Status,
    enet_path,
    lasso_path,
    logistic_path,
)


def signs(y):
    return np.where(y > np.median(y), 1, -1)


# Everything that takes X and y, as f(X, y, sample_weight).
ENTRIES = {
    "lasso_path": lambda X, y, w=None: lasso_path(X, y, alphas=3, sample_weight=w),
    "enet_path": lambda X, y, w=None: enet_path(X, y, alphas=3, sample_weight=w),
    "logistic_path": lambda X, y, w=None: logistic_path(X, y, alphas=3, sample_weight=w),
    "Lasso": lambda X, y, w=None: Lasso(alpha=0.1).fit(X, y, w),
    "ElasticNet": lambda X, y, w=None: ElasticNet(alpha=0.1).fit(X, y, w),
    "LassoCV": lambda X, y, w=None: LassoCV(alphas=3, cv=2).fit(X, y, w),
    "ElasticNetCV": lambda X, y, w=None: ElasticNetCV(alphas=3, cv=2).fit(X, y, w),
    "LogisticRegression": lambda X, y, w=None: LogisticRegression().fit(X, y, w),
}
CLASSIFIERS = ("logistic_path", "LogisticRegression")


@pytest.fixture(params=ENTRIES)
def entry(request):
    return request.param


@pytest.fixture
def data(entry, regression):
    X, y = regression
    return X[:, :6].copy(), signs(y) if entry in CLASSIFIERS else y


LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "csc": sparse.csc_matrix,
    "csr": sparse.csr_array,
}


# ------------------------------------------------------------------------------- not finite


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_x_not_finite(entry, data, value, layout):
    X, y = data
    X[3, 2] = value
    with pytest.raises(ValueError, match=r"X contains NaN|infinity"):
        ENTRIES[entry](LAYOUTS[layout](X), y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_y_not_finite(entry, data, value):
    X, y = data
    y = y.astype(float)
    y[3] = value
    with pytest.raises(ValueError, match=r"(y contains (NaN|infinity))|Unknown label type"):
        ENTRIES[entry](X, y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_sample_weight_not_finite(entry, data, value):
    X, y = data
    w = np.ones(len(y))
    w[3] = value
    with pytest.raises(ValueError, match="sample_weight contains (NaN|infinity)"):
        ENTRIES[entry](X, y, w)


@pytest.mark.parametrize("argument", ["penalty_weights", "coef_init", "alphas"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("path", [lasso_path, enet_path, logistic_path])
def test_other_vectors_not_finite(path, argument, value, regression):
    X, y = regression
    vector = np.ones(X.shape[1])
    vector[-1] = value
    with pytest.raises(ValueError, match=f"{argument} contains (NaN|infinity)"):
        path(X, signs(y), **{argument: vector})


@pytest.mark.parametrize("name", ["rtol", "tol", "eps", "l1_ratio", "time_limit"])
def test_scalars_not_a_number(name, regression):
    with pytest.raises(ValueError, match=f"{name} must be a number"):
        enet_path(*regression, **{name: np.nan})


# ------------------------------------------------------------------------ shapes and lengths


@pytest.mark.parametrize(
    ("shape", "message"),
    [((0, 3), "0 sample"), ((60, 0), r"0 feature\(s\)"), ((60,), "2D array"), ((4, 5, 3), "dim")],
)
def test_x_of_wrong_shape(entry, data, shape, message):
    _, y = data
    with pytest.raises(ValueError, match=message):
        ENTRIES[entry](np.ones(shape), y[: shape[0]])


def test_y_of_wrong_length(entry, data):
    X, y = data
    with pytest.raises(ValueError, match="y must have length 60|inconsistent numbers of samples"):
        ENTRIES[entry](X, y[:-1])


def test_y_empty_or_missing(entry, data):
    X, _ = data
    with pytest.raises((ValueError, TypeError), match="y|sample"):
        ENTRIES[entry](X, [])
    with pytest.raises(ValueError, match="y"):
        ENTRIES[entry](X, None)


def test_sample_weight_of_wrong_length_or_shape(entry, data):
    X, y = data
    with pytest.raises(ValueError, match="sample_weight must have length 60"):
        ENTRIES[entry](X, y, np.ones(59))
    with pytest.raises(ValueError, match="sample_weight must have shape"):
        ENTRIES[entry](X, y, np.ones((60, 2)))


def test_sample_weight_negative_or_all_zero(entry, data):
    X, y = data
    w = np.ones(60)
    w[7] = -1
    with pytest.raises(ValueError, match="sample_weight must be non-negative; got -1 at index 7"):
        ENTRIES[entry](X, y, w)
    with pytest.raises(ValueError, match="sample_weight must have a positive sum"):
        ENTRIES[entry](X, y, np.zeros(60))


@pytest.mark.parametrize("path", [lasso_path, enet_path, logistic_path])
def test_vectors_of_wrong_length_or_negative(path, regression):
    X, y = regression
    y = signs(y)
    with pytest.raises(ValueError, match="penalty_weights must have length 40"):
        path(X, y, penalty_weights=np.ones(3))
    with pytest.raises(ValueError, match="penalty_weights must be non-negative"):
        path(X, y, penalty_weights=-np.ones(40))
    with pytest.raises(ValueError, match="coef_init must have length 40"):
        path(X, y, coef_init=np.ones(41))
    with pytest.raises(ValueError, match="coef_init must be non-negative with positive=True"):
        path(X, y, coef_init=-np.ones(40), positive=True)
    with pytest.raises(ValueError, match="alphas must be non-negative; got -1"):
        path(X, y, alphas=[1.0, -1.0])
    with pytest.raises(ValueError, match="alphas must be a non-empty vector"):
        path(X, y, alphas=[])
    with pytest.raises(ValueError, match="alphas must be an integer >= 1"):
        path(X, y, alphas=0)


# ------------------------------------------------------------------------------------- types


def test_x_complex(entry, data):
    X, y = data
    with pytest.raises(ValueError, match="Complex data not supported"):
        ENTRIES[entry](X + 1j, y)
    with pytest.raises(ValueError, match="Complex data not supported"):
        ENTRIES[entry](sparse.csc_array(X + 1j), y)


def test_y_complex(entry, data):
    X, y = data
    with pytest.raises(ValueError, match="Complex data not supported|Unknown label type"):
        ENTRIES[entry](X, y + 1j)


def test_x_of_objects(entry, data):
    X, y = data
    objects = X.astype(object)
    assert_same(ENTRIES[entry](objects, y), ENTRIES[entry](X, y))  # numbers are numbers
    objects[0, 0] = {"not": "a number"}
    with pytest.raises(TypeError, match="must be .* a real number"):
        ENTRIES[entry](objects, y)
    objects[0, 0] = "word"
    with pytest.raises(ValueError, match="could not convert string"):
        ENTRIES[entry](objects, y)


def test_x_of_strings(entry, data):
    _, y = data
    with pytest.raises(ValueError, match="could not convert|dtype"):
        ENTRIES[entry](np.full((60, 2), "a"), y)


def test_other_types_of_x_are_converted(entry, data):
    X, y = data
    X = X.round()
    expected = ENTRIES[entry](X, y)
    for convert in (np.ndarray.tolist, np.int32, np.float16, np.longdouble, sparse.coo_array,
                    sparse.lil_matrix, lambda X: X.astype(">f8")):  # fmt: skip
        assert_same(ENTRIES[entry](convert(X), y), expected)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"alpha": -1.0}, ValueError),
        ({"alpha": np.nan}, ValueError),
        ({"alpha": np.inf}, ValueError),
        ({"alpha": "1"}, TypeError),
        ({"l1_ratio": 1.5}, ValueError),
        ({"l1_ratio": -0.1}, ValueError),
        ({"tol": -1e-3}, ValueError),
        ({"tol": None}, TypeError),
        ({"max_iter": 0}, ValueError),
        ({"max_iter": 10.0}, TypeError),
        ({"fit_intercept": "yes"}, TypeError),
        ({"positive": 1}, TypeError),
        ({"warm_start": None}, TypeError),
        ({"copy_X": "no"}, TypeError),
        ({"selection": "greedy"}, ValueError),
        ({"random_state": "seed"}, ValueError),
        ({"precompute": "yes"}, ValueError),
        ({"precompute": np.eye(40)}, TypeError),
        ({"n_threads": 0}, ValueError),
        ({"n_threads": 1.5}, TypeError),
        ({"time_limit": -1}, ValueError),
        ({"callback": 3}, TypeError),
        ({"verbose": -1}, ValueError),
        ({"verbose": "much"}, TypeError),
        ({"penalty_weights": [1.0]}, ValueError),
    ],
)
def test_parameter_that_is_wrong(parameters, error, regression):
    (name,) = parameters
    message = "seed" if name == "random_state" else name
    with pytest.raises(error, match=message):
        ElasticNet(**parameters).fit(*regression)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"C": 0.0}, ValueError),
        ({"C": -1.0}, ValueError),
        ({"C": np.nan}, ValueError),
        ({"C": "1"}, TypeError),
        ({"penalty": "l3"}, ValueError),
        ({"l1_ratio": 2}, ValueError),
        ({"dual": True}, ValueError),
        ({"intercept_scaling": 2.0}, ValueError),
        ({"solver": "liblinear"}, ValueError),
        ({"solver": "simplex"}, ValueError),
        ({"n_jobs": 2}, ValueError),
        ({"class_weight": "even"}, ValueError),
        ({"class_weight": {"yes": -1.0}}, ValueError),
        ({"max_iter": 0}, ValueError),
    ],
)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_parameter_of_logistic_regression_that_is_wrong(parameters, error, classification):
    (name,) = parameters
    with pytest.raises(error, match="weight" if name == "class_weight" else name):
        LogisticRegression(**parameters).fit(*classification)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"eps": 0.0}, ValueError),
        ({"eps": 2.0}, ValueError),
        ({"alphas": -3}, ValueError),
        ({"alphas": [1.0, -1.0]}, ValueError),
        ({"alphas": None}, (TypeError, ValueError)),
        ({"cv": 1}, ValueError),
        ({"n_jobs": 0}, ValueError),
        ({"n_jobs": 1.5}, TypeError),
        ({"l1_ratio": 0.0}, ValueError),
        ({"l1_ratio": [0.5, 3.0]}, ValueError),
        ({"l1_ratio": "half"}, TypeError),
    ],
)
def test_parameter_of_cross_validation_that_is_wrong(parameters, error, regression):
    with pytest.raises(error):
        ElasticNetCV(**parameters).fit(*regression)


def test_arguments_that_exclude_each_other(regression, classification):
    with pytest.raises(ValueError, match="alphas and n_alphas"):
        lasso_path(*regression, alphas=[1.0], n_alphas=3)
    with pytest.raises(ValueError, match="alphas and Cs"):
        logistic_path(*classification, alphas=[1.0], Cs=[1.0])
    with pytest.raises(ValueError, match="Cs must hold positive numbers"):
        logistic_path(*classification, Cs=[0.0, 1.0])
    with pytest.raises(ValueError, match="alphas must be given when l1_ratio=0"):
        enet_path(*regression, l1_ratio=0.0)
    with pytest.raises(TypeError, match="unexpected keyword"):
        lasso_path(*regression, Xy=None)


def test_environment_variable_that_is_wrong(monkeypatch, regression):
    monkeypatch.setenv("CYCLOID_NUM_THREADS", "two")
    with pytest.raises(ValueError, match="CYCLOID_NUM_THREADS must be an integer"):
        lasso_path(*regression)


# ------------------------------------------------------------------------------------ classes


@pytest.mark.parametrize("fit", [ENTRIES[name] for name in CLASSIFIERS])
def test_labels(fit, classification):
    X, y = classification
    with pytest.raises(ValueError, match="two classes; got one class only"):
        fit(X, np.full(120, "yes"))
    with pytest.raises(ValueError, match=r"Only binary classification is supported.*multinomial"):
        fit(X, np.arange(120) % 3)
    with pytest.raises(ValueError, match="Unknown label type"):
        fit(X, X[:, 0])
    with pytest.raises(ValueError, match="samples of two classes; got only zeros for the class"):
        fit(X, y, (y == "yes").astype(float))


def test_several_targets(regression):
    X, y = regression
    two = np.column_stack([y, -y])
    with pytest.raises(ValueError, match="Fit one target at a time"):
        lasso_path(X, two)
    with pytest.raises(ValueError, match="1d array"):
        LassoCV().fit(X, two)
    with pytest.raises(TypeError, match="[Ss]parse"):
        Lasso().fit(X, sparse.csc_array(two))


# ----------------------------------------------------------------------- odd, and with an answer


def assert_same(ours, expected, atol=1e-4):
    for name in ("coef_", "coefs"):
        if hasattr(expected, name):
            assert_allclose(getattr(ours, name), getattr(expected, name), rtol=0, atol=atol)
            return
    raise AssertionError(expected)


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
    if entry not in ("lasso_path", "enet_path"):  # these have no intercept by default
        assert_allclose(coefs[:, 7], 0, atol=1e-8)


def test_no_feature_varies(entry, data):
    _, y = data
    X = np.tile([1.0, -2.0, 0.0], (60, 1))
    model = ENTRIES[entry](X, y)
    if entry in ("lasso_path", "enet_path"):
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
