"""Bad input: a clear error that names what is wrong, never a crash."""

import numpy as np
import pytest
from entries import BINARY, CLASSIFIERS, ENTRIES, LAYOUTS, assert_same, signs
from scipy import sparse

from cycloid.linear_model import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    LogisticRegression,
    enet_path,
    lasso_path,
    logistic_path,
)

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
    with pytest.raises(ValueError, match="Unknown label type"):
        fit(X, X[:, 0])
    with pytest.raises(ValueError, match="samples of two classes; got only zeros for the class"):
        fit(X, y, (y == "yes").astype(float))


@pytest.mark.parametrize("fit", [ENTRIES[name] for name in BINARY])
def test_three_classes(fit, classification):
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        fit(classification[0], np.arange(120) % 3)


def test_several_targets(regression):
    X, y = regression
    two = np.column_stack([y, -y])
    with pytest.raises(ValueError, match="Fit one target at a time"):
        lasso_path(X, two)
    with pytest.raises(ValueError, match="1d array"):
        LassoCV().fit(X, two)
    with pytest.raises(TypeError, match="[Ss]parse"):
        Lasso().fit(X, sparse.csc_array(two))
