"""The package against scikit-learn at its tightest, and against plain numpy."""

import warnings

import numpy as np
import pytest
import reference
import sklearn.linear_model as sk
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from cycloid.linear_model import (
    ElasticNet,
    Lasso,
    LogisticRegression,
    enet_path,
    lasso_path,
    logistic_path,
)

pytestmark = pytest.mark.numerical

RNG = np.random.default_rng(3)
N, P = 80, 30
DENSE = RNG.standard_normal((N, P)) * RNG.uniform(0.5, 2, P) + RNG.uniform(-1, 1, P)
TARGET = DENSE[:, :6] @ [3.0, -2.0, 1.5, 1.0, -1.0, 0.5] + 0.5 * RNG.standard_normal(N) + 2
LABELS = (DENSE[:, :4] @ [1.0, -1.0, 0.5, 0.5] + 1.5 * RNG.logistic(size=N) > 0).astype(int)
HOLES = np.where(RNG.random((N, P)) < 0.7, 0.0, DENSE)
WIDE = RNG.standard_normal((40, 120))
WIDE_TARGET = WIDE[:, :5].sum(axis=1) + 0.1 * RNG.standard_normal(40)
WEIGHTS = RNG.uniform(0, 3, N)
WEIGHTS[:10] = 0


def as_layout(X, layout):
    match layout:
        case "C" | "F":
            return np.array(X, order=layout)
        case "float32":
            return X.astype(np.float32)
        case "csc" | "csr":
            return sparse.csc_matrix(X).asformat(layout)
        case "csc int64" | "csr int64":
            view = sparse.csc_array(X).asformat(layout[:3])
            view.indices, view.indptr = view.indices.astype(np.int64), view.indptr.astype(np.int64)
            return view
    raise AssertionError(layout)


def quietly(fit, *arguments, **keywords):
    """Run to the limits of floating point, where neither side can certify its tolerance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (ConvergenceWarning, UserWarning, FutureWarning))
        return fit(*arguments, **keywords)


def assert_same_minimiser(coef, intercept, expected, problem):
    scale = max(np.abs(expected.coef_).max(), abs(np.ravel(expected.intercept_)[0]), 1e-3)
    expected_coef = np.ravel(expected.coef_).astype(float)
    expected_intercept = float(np.ravel(expected.intercept_)[0])
    assert_allclose(coef, expected_coef, rtol=0, atol=1e-8 * scale)
    assert_allclose(intercept, expected_intercept, rtol=0, atol=1e-8 * scale)
    ours = problem.objective(coef, intercept)
    theirs = problem.objective(expected_coef, expected_intercept)
    assert ours <= theirs * (1 + 1e-13)


SQUARED = [
    # X, y, layout, alpha / alpha_max, parameters, weights
    (DENSE, TARGET, "C", 0.1, {}, None),
    (DENSE, TARGET, "F", 0.1, {}, None),
    (DENSE, TARGET, "F", 0.001, {}, None),
    (DENSE, TARGET, "C", 0.5, {"fit_intercept": False}, None),
    (DENSE, TARGET, "float32", 0.05, {}, None),
    (DENSE, TARGET, "C", 0.05, {}, WEIGHTS),
    (DENSE, TARGET, "F", 0.05, {"fit_intercept": False}, WEIGHTS),
    (DENSE, TARGET, "C", 0.05, {"positive": True}, None),
    (DENSE, TARGET, "F", 0.02, {"positive": True, "fit_intercept": False}, WEIGHTS),
    (DENSE, TARGET, "C", 0.1, {"l1_ratio": 0.5}, None),
    (DENSE, TARGET, "F", 0.01, {"l1_ratio": 0.9}, WEIGHTS),
    (DENSE, TARGET, "C", 0.1, {"l1_ratio": 0.1, "positive": True}, None),
    (DENSE, TARGET, "float32", 0.1, {"l1_ratio": 0.5, "fit_intercept": False}, WEIGHTS),
    (DENSE, TARGET, "C", 0.1, {"selection": "random", "random_state": 0}, None),
    (HOLES, TARGET, "csc", 0.1, {}, None),
    (HOLES, TARGET, "csr", 0.1, {}, None),
    (HOLES, TARGET, "csc int64", 0.02, {}, None),
    (HOLES, TARGET, "csr int64", 0.02, {"l1_ratio": 0.5}, None),
    (HOLES, TARGET, "csc", 0.02, {"positive": True}, WEIGHTS),
    (HOLES, TARGET, "csr", 0.05, {"fit_intercept": False}, WEIGHTS),
    (HOLES, TARGET, "csc", 0.05, {"l1_ratio": 0.3}, WEIGHTS),
    (WIDE, WIDE_TARGET, "F", 0.1, {}, None),
    (WIDE, WIDE_TARGET, "F", 0.01, {"fit_intercept": False}, None),
    (WIDE, WIDE_TARGET, "C", 0.05, {"l1_ratio": 0.7}, None),
    (WIDE, WIDE_TARGET, "float32", 0.05, {"positive": True}, None),
]


@pytest.mark.parametrize(("X", "y", "layout", "fraction", "parameters", "weights"), SQUARED)
@pytest.mark.parametrize("precompute", [True, False])
def test_squared_loss_gives_the_coefficients_of_scikit_learn(
    X, y, layout, fraction, parameters, weights, precompute
):
    X = as_layout(X, layout)
    problem = reference.Problem(
        X=X,
        y=y,
        sample_weight=weights,
        **{k: v for k, v in parameters.items() if k in ("l1_ratio", "positive", "fit_intercept")},
    )
    alpha = fraction * problem.alpha_max()
    name = "ElasticNet" if "l1_ratio" in parameters else "Lasso"
    # scikit-learn computes in the type of X and takes 32-bit indices only.
    X_theirs = sparse.csc_matrix(X.toarray()) if sparse.issparse(X) else X.astype(float)
    theirs = getattr(sk, name)(alpha=alpha, tol=1e-14, max_iter=200_000, **parameters)
    quietly(theirs.fit, X_theirs, y, weights)
    ours = {"Lasso": Lasso, "ElasticNet": ElasticNet}[name](
        alpha=alpha, tol=1e-15, precompute=precompute, **parameters
    )
    quietly(ours.fit, X, y, weights)
    result = ours.result_
    assert ours.coef_.dtype == X.dtype
    assert_allclose(ours.coef_, result.coef, rtol=1e-6 if layout == "float32" else 0)
    assert_same_minimiser(result.coef, result.intercept, theirs, problem.at(alpha))


def saga(**parameters):
    return sk.LogisticRegression(solver="saga", tol=1e-13, max_iter=100_000, **parameters)


def newton(**parameters):
    return sk.LogisticRegression(solver="newton-cholesky", tol=1e-13, max_iter=1000, **parameters)


def elastic_net_of(l1_ratio):
    """scikit-learn 1.6 needs `penalty` where the newest one deprecates it."""
    old = "penalty" in sk.LogisticRegression().get_params() and (
        sk.LogisticRegression().penalty == "l2"
    )
    return {"l1_ratio": l1_ratio, **({"penalty": "elasticnet"} if old else {})}


LOGISTIC = [
    # X, layout, scikit-learn's estimator, parameters of both, l1_ratio, weights
    (DENSE, "C", newton, {"C": 1.0}, 0.0, None),
    (DENSE, "F", newton, {"C": 0.01, "fit_intercept": False}, 0.0, None),
    (DENSE, "C", newton, {"C": 10.0}, 0.0, WEIGHTS),
    (DENSE, "F", newton, {"C": np.inf}, 0.0, None),
    (DENSE, "F", newton, {"C": 1.0, "class_weight": "balanced"}, 0.0, None),
    (DENSE, "C", newton, {"C": 1.0, "class_weight": {0: 2.0, 1: 0.5}}, 0.0, WEIGHTS),
    (DENSE, "float32", newton, {"C": 1.0}, 0.0, None),
    (HOLES, "csr", newton, {"C": 0.1}, 0.0, None),
    (HOLES, "csc int64", newton, {"C": 1.0}, 0.0, WEIGHTS),
    (DENSE, "C", saga, {"C": 0.5}, 1.0, None),
    (DENSE, "F", saga, {"C": 0.2, "fit_intercept": False}, 1.0, None),
    (DENSE, "F", saga, {"C": 0.2}, 1.0, WEIGHTS),
    (DENSE, "float32", saga, {"C": 0.2}, 1.0, None),
    (HOLES, "csc", saga, {"C": 1.0}, 1.0, None),
    (HOLES, "csr int64", saga, {"C": 0.5}, 1.0, WEIGHTS),
    (DENSE, "C", saga, {"C": 0.5}, 0.5, None),
    (HOLES, "csr", saga, {"C": 0.5}, 0.9, None),
]


@pytest.mark.parametrize(("X", "layout", "theirs", "parameters", "l1_ratio", "weights"), LOGISTIC)
def test_logistic_loss_gives_the_coefficients_of_scikit_learn(
    X, layout, theirs, parameters, l1_ratio, weights
):
    X = as_layout(X, layout)
    X_theirs = sparse.csr_matrix(X.toarray()) if sparse.issparse(X) else X.astype(float)
    mixture = elastic_net_of(l1_ratio) if theirs is saga else {}
    expected = theirs(**parameters, **mixture)
    quietly(expected.fit, X_theirs, LABELS, weights)
    ours = LogisticRegression(tol=1e-15, l1_ratio=l1_ratio, **parameters)
    quietly(ours.fit, X, LABELS, weights)
    total = weights_with_classes(parameters.get("class_weight"), weights)
    problem = reference.Problem(
        X=X,
        y=np.where(LABELS == 1, 1.0, -1.0),
        loss="logistic",
        alpha=1 / (parameters["C"] * total.sum()),
        l1_ratio=l1_ratio,
        sample_weight=total,
        fit_intercept=parameters.get("fit_intercept", True),
    )
    assert ours.coef_.dtype == X.dtype
    assert_same_minimiser(ours.result_.coef, ours.result_.intercept, expected, problem)


def weights_with_classes(class_weight, weights):
    total = np.ones(N) if weights is None else weights.copy()
    if class_weight == "balanced":
        counts = np.bincount(LABELS, weights=total)
        return total * (total.sum() / (2 * counts))[LABELS]
    if class_weight is not None:
        return total * np.array([class_weight[0], class_weight[1]])[LABELS]
    return total


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("penalty_weights", [None, [1.0, 2.0, 0.0, 0.5]])
def test_path_equals_the_enumeration_of_all_signs(
    loss, positive, fit_intercept, l1_ratio, penalty_weights
):
    X = DENSE[:25, :4]
    y = np.where(LABELS[:25] == 1, 1.0, -1.0) if loss == "logistic" else TARGET[:25]
    alphas = [0.3, 0.1, 0.01]
    path = quietly(
        logistic_path if loss == "logistic" else enet_path,
        X,
        y,
        alphas=alphas,
        l1_ratio=l1_ratio,
        positive=positive,
        fit_intercept=fit_intercept,
        penalty_weights=penalty_weights,
        sample_weight=WEIGHTS[5:30],
        rtol=1e-15,
    )
    for k, alpha in enumerate(alphas):
        problem = reference.Problem(
            X=X,
            y=y,
            loss=loss,
            alpha=alpha,
            l1_ratio=l1_ratio,
            positive=positive,
            fit_intercept=fit_intercept,
            penalty_weights=penalty_weights,
            sample_weight=WEIGHTS[5:30],
        )
        coef, intercept = reference.solve_by_enumeration(problem)
        assert problem.violation(coef, intercept) < 1e-9  # the reference itself is right
        scale = max(np.abs(coef).max(), abs(intercept), 1e-3)
        assert_allclose(path.coefs[:, k], coef, rtol=0, atol=1e-7 * scale)
        assert_allclose(path.intercepts[k], intercept, rtol=0, atol=1e-7 * scale)
        value = problem.objective(coef, intercept)
        assert_allclose(path.objectives[k], value, rtol=1e-12)
        assert path.dual_objectives[k] <= value + 1e-12 * abs(value)


def test_orthogonal_design_is_soft_thresholding():
    X = np.linalg.qr(RNG.standard_normal((50, 8)))[0] * np.sqrt(50)  # X'X / n = identity
    y = RNG.standard_normal(50)
    z = X.T @ y / 50
    path = lasso_path(X, y, alphas=[0.2, 0.05, 0.0], rtol=1e-14)
    for alpha, coef in zip(path.alphas, path.coefs.T, strict=True):
        expected = np.sign(z) * np.maximum(np.abs(z) - alpha, 0)
        assert_allclose(coef, expected, rtol=0, atol=1e-12)


def test_no_l1_penalty_is_ridge_regression():
    A = np.column_stack([DENSE, np.ones(N)])
    for alpha in (0.01, 1.0):
        ridge = alpha * np.diag(np.append(np.ones(P), 0.0))
        expected = np.linalg.solve(A.T @ A / N + ridge, A.T @ TARGET / N)
        path = enet_path(
            DENSE, TARGET, alphas=[alpha], l1_ratio=0.0, fit_intercept=True, rtol=1e-14
        )
        assert_allclose(np.append(path.coefs[:, 0], path.intercepts), expected, rtol=1e-8)


def test_no_penalty_is_least_squares():
    A = np.column_stack([DENSE, np.ones(N)])
    expected = np.linalg.lstsq(A, TARGET, rcond=None)[0]
    model = quietly(Lasso(alpha=0, tol=1e-14).fit, DENSE, TARGET)
    assert_allclose(np.append(model.coef_, model.intercept_), expected, rtol=1e-8)


@pytest.mark.parametrize("name", ["riboflavin", "leukemia_golub"])
def test_real_data_against_scikit_learn(data_folder, name):
    with np.load(data_folder / "highdim" / f"{name}.npz") as data:
        X, y = data["X"].astype(float), data["y"].astype(float)
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-12)
    problem = reference.Problem(X=X, y=y)
    alpha = problem.alpha_max() / 10
    ours = Lasso(alpha=alpha, tol=1e-12).fit(X, y)
    theirs = sk.Lasso(alpha=alpha, tol=1e-12, max_iter=100_000).fit(X, y)
    problem = problem.at(alpha)
    assert problem.objective(ours.coef_, ours.intercept_) <= problem.objective(
        theirs.coef_, theirs.intercept_
    ) * (1 + 1e-12)
    assert problem.violation(ours.coef_, ours.intercept_) <= 1e-5 * alpha
    null, _ = problem.null()
    assert (
        problem.objective(ours.coef_, ours.intercept_) - problem.dual(ours.coef_, ours.intercept_)
        <= 1e-9 * null
    )
