"""Constrained and fair logistic regression, beside SciPy and by their conditions of optimality."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from cycloid.linear_model import (
    ConstrainedLogisticRegression,
    FairLogisticRegression,
    LogisticRegression,
    Status,
)

pytestmark = pytest.mark.numerical


@pytest.fixture
def problem(rng):
    """(X, y, A, b), n = 400, p = 8, 2 linear constraints."""
    X = rng.standard_normal((400, 8)) + 0.5
    y = (X[:, :3].sum(axis=1) + rng.logistic(size=400) > 1.5).astype(int)
    return X, y, rng.standard_normal((2, 8)), 0.3 * rng.standard_normal(2)


def objective(beta, X, signs, C):
    """Mean loss and penalty of [coefficients, intercept]."""
    z = signs * (X @ beta[:-1] + beta[-1])
    return np.logaddexp(0, -z).mean() + beta[:-1] @ beta[:-1] / (2 * C * len(X))


def gradient(beta, X, signs, C):
    slope = -signs / (1 + np.exp(signs * (X @ beta[:-1] + beta[-1]))) / len(X)
    return np.append(X.T @ slope + beta[:-1] / (C * len(X)), slope.sum())


def stationarity(model, X, y, C, jacobian):
    """Largest derivative of the Lagrangian, by plain numpy."""
    beta = np.append(model.coef_[0], model.intercept_)
    lagrangian = gradient(beta, X, np.where(y == model.classes_[1], 1, -1), C)
    lagrangian[:-1] += jacobian.T @ model.multipliers_
    return abs(lagrangian).max()


@pytest.mark.parametrize(
    "layout", [np.ascontiguousarray, np.asfortranarray, sparse.csr_array, sparse.csc_array]
)
def test_linear_and_norm(problem, layout):
    X, y, A, b = problem
    model = ConstrainedLogisticRegression(A, b, norm=1.2, C=np.inf, tol=1e-9).fit(layout(X), y)
    beta = model.coef_[0]
    assert model.result_.status == Status.CONVERGED
    assert_allclose(A @ beta, b, atol=1e-9)
    assert_allclose(np.linalg.norm(beta), 1.2, atol=1e-9)
    assert stationarity(model, X, y, np.inf, np.vstack([A, 2 * beta])) < 1e-9
    assert model.result_.constraint_violation < 1e-9
    signs = np.where(y == 1, 1, -1)
    start = np.append(np.linalg.lstsq(A, b, rcond=None)[0], 0)
    theirs = minimize(
        objective, start + 0.1, (X, signs, np.inf), "SLSQP", gradient, tol=1e-12,
        constraints=[
            {"type": "eq", "fun": lambda v: A @ v[:-1] - b},
            {"type": "eq", "fun": lambda v: v[:-1] @ v[:-1] - 1.44},
        ],
    )  # fmt: skip
    assert model.result_.objective <= theirs.fun + 1e-8


def test_linear_alone_is_the_minimum(problem):
    X, y, A, b = problem
    model = ConstrainedLogisticRegression(A, b, C=0.5, tol=1e-10).fit(X, y)
    # The same problem without constraints, in coordinates of their null space.
    inside = np.linalg.svd(A)[2][2:].T
    offset = np.linalg.lstsq(A, b, rcond=None)[0]
    signs = np.where(y == 1, 1, -1)

    def lift(v):
        return np.append(offset + inside @ v[:-1], v[-1])

    theirs = minimize(
        lambda v: objective(lift(v), X, signs, 0.5),
        np.zeros(7),
        jac=lambda v: np.append(
            inside.T @ gradient(lift(v), X, signs, 0.5)[:-1], gradient(lift(v), X, signs, 0.5)[-1]
        ),
        tol=1e-10,
    )
    assert_allclose(np.append(model.coef_, model.intercept_), lift(theirs.x), atol=1e-5)


def test_quadratics(problem):
    X, y, _, _ = problem
    Q = np.diag(np.arange(1.0, 9.0))
    q = np.linspace(-1, 1, 8)
    model = ConstrainedLogisticRegression(quadratics=[(Q, q, 2.0)], tol=1e-9).fit(X, y)
    beta = model.coef_[0]
    assert_allclose(beta @ Q @ beta / 2 + q @ beta, 2, atol=1e-8)
    assert stationarity(model, X, y, 1.0, (Q @ beta + q)[np.newaxis]) < 1e-8


def test_norm_is_the_quadratic_of_the_identity(problem):
    X, y, _, _ = problem
    by_norm = ConstrainedLogisticRegression(norm=0.7, tol=1e-10).fit(X, y)
    by_quadratic = ConstrainedLogisticRegression(
        quadratics=[(2 * np.eye(8), np.zeros(8), 0.49)], tol=1e-10
    ).fit(X, y)
    assert_allclose(by_norm.result_.objective, by_quadratic.result_.objective, atol=1e-9)


def test_no_constraints_is_logistic_regression(problem):
    X, y, _, _ = problem
    model = ConstrainedLogisticRegression(tol=1e-10).fit(X, y)
    expected = LogisticRegression(tol=1e-14).fit(X, y)
    assert_allclose(model.coef_, expected.coef_, atol=1e-7)
    assert model.multipliers_.shape == (0,)


def test_several_classes(problem, rng):
    X, _, _, _ = problem
    y = (X[:, :3] + rng.gumbel(size=(400, 3))).argmax(axis=1)
    A = np.zeros((1, 24))
    A[0, :8] = 1  # the coefficients of the first class add up to 1
    model = ConstrainedLogisticRegression(A, [1.0], norm=0.8, tol=1e-8).fit(X, y)
    assert model.coef_.shape == (3, 8)
    assert_allclose(model.coef_[0].sum(), 1, atol=1e-8)
    assert_allclose(np.linalg.norm(model.coef_), 0.8, atol=1e-8)
    errors = model.predict_proba(X) - np.eye(3)[y]
    lagrangian = (errors.T @ X + model.coef_) / 400
    lagrangian += (A.T @ model.multipliers_[:1]).reshape(3, 8)
    lagrangian += 2 * model.multipliers_[1] * model.coef_
    assert abs(lagrangian).max() < 1e-8
    assert model.score(X, y) > 0.4


def test_weights_are_repetitions(problem, rng):
    X, y, A, b = problem
    counts = rng.integers(0, 3, len(y))
    weighted = ConstrainedLogisticRegression(A, b, tol=1e-10).fit(X, y, counts)
    repeated = ConstrainedLogisticRegression(A, b, tol=1e-10).fit(
        np.repeat(X, counts, axis=0), np.repeat(y, counts)
    )
    assert_allclose(weighted.coef_, repeated.coef_, atol=1e-7)


def test_dependent_constraints(problem):
    X, y, A, b = problem
    twice = ConstrainedLogisticRegression(np.vstack([A, A[:1]]), np.append(b, b[0]), tol=1e-8).fit(
        X, y
    )
    once = ConstrainedLogisticRegression(A, b, tol=1e-8).fit(X, y)
    assert_allclose(twice.coef_, once.coef_, atol=1e-6)


def test_constraints_that_contradict_are_reported(problem):
    X, y, A, b = problem
    with pytest.warns(ConvergenceWarning, match="INFEASIBLE|STALLED"):
        model = ConstrainedLogisticRegression(
            np.vstack([A, A[:1]]), np.append(b, b[0] + 1), max_iter=50
        ).fit(X, y)
    assert not model.result_.converged
    assert np.isfinite(model.coef_).all()
    with pytest.warns(ConvergenceWarning, match="INFEASIBLE|STALLED"):  # outside the sphere
        ConstrainedLogisticRegression(np.eye(8)[:1], [2.0], norm=1.0, max_iter=50).fit(X, y)


def test_all_coefficients_fixed(problem):
    X, y, _, _ = problem
    values = np.linspace(-0.5, 0.5, 8)
    model = ConstrainedLogisticRegression(np.eye(8), values, tol=1e-9).fit(X, y)
    assert_allclose(model.coef_[0], values, atol=1e-9)


def test_negative_multiplier_of_the_norm(problem):
    """With a norm above that of the minimum, the Lagrangian may curve down."""
    X, y, A, b = problem
    free = ConstrainedLogisticRegression(A, b, C=np.inf).fit(X, y)
    norm = 2.5 * np.linalg.norm(free.coef_)
    model = ConstrainedLogisticRegression(A, b, norm=norm, C=np.inf, tol=1e-9).fit(X, y)
    assert model.multipliers_[-1] < 0
    assert model.result_.converged


def test_seed_and_threads(problem):
    X, y, A, b = problem
    fits = [
        ConstrainedLogisticRegression(A, b, norm=1.0, random_state=0, n_threads=n).fit(X, y)
        for n in (1, 2)
    ]
    assert_array_equal(fits[0].coef_, fits[1].coef_)


def test_warm_start(problem):
    X, y, A, b = problem
    model = ConstrainedLogisticRegression(A, b, norm=1.0, warm_start=True, tol=1e-9).fit(X, y)
    first = model.coef_
    assert model.fit(X, y).n_iter_ <= 1
    assert_allclose(model.coef_, first, atol=1e-7)


def test_limits_warn(problem):
    X, y, A, b = problem
    with pytest.warns(ConvergenceWarning, match=r"MAX_ITER.*violation of optimality"):
        ConstrainedLogisticRegression(A, b, norm=1.0, max_iter=1, tol=1e-12).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="STOPPED"):
        ConstrainedLogisticRegression(A, b, callback=lambda row: True, tol=1e-12).fit(X, y)
    with pytest.raises(ZeroDivisionError):
        ConstrainedLogisticRegression(A, b, callback=lambda row: 1 / 0).fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"A": np.ones((1, 3))}, ValueError, "A must have 8 columns, one a coefficient; got 3"),
        ({"A": np.ones((1, 8)), "b": [1, 2]}, ValueError, r"b must have shape \(1,\)"),
        ({"b": [1.0]}, ValueError, "b must be None without A"),
        ({"A": np.full((1, 8), np.nan)}, ValueError, "A contains NaN"),
        ({"norm": 0.0}, ValueError, "norm must be a number > 0"),
        ({"norm": "one"}, TypeError, "norm"),
        ({"quadratics": [np.eye(8)]}, TypeError, r"quadratics\[0\] must be \(Q, q, r\)"),
        ({"quadratics": [(np.eye(3), np.ones(3), 1.0)]}, ValueError, r"quadratics\[0\] .*shapes"),
        (
            {"quadratics": [(np.triu(np.ones((8, 8))), np.ones(8), 1.0)]},
            ValueError,
            "symmetric matrix",
        ),
        ({"C": 0.0}, ValueError, "C must be"),
        ({"tol": -1.0}, ValueError, "tol must be"),
        ({"max_iter": 0}, ValueError, "max_iter"),
        ({"fit_intercept": 1}, TypeError, "fit_intercept"),
    ],
)
def test_parameter_that_is_wrong(problem, parameters, error, message):
    X, y, _, _ = problem
    with pytest.raises(error, match=message):
        ConstrainedLogisticRegression(**parameters).fit(X, y)


# ---------------------------------------------------------------------------------------- fairness


@pytest.fixture
def people(rng):
    """(X, y, group): the groups 'a', 'b' and 'c' differ in features and outcomes."""
    codes = rng.integers(0, 3, 900)
    X = rng.standard_normal((900, 6)) + 0.6 * codes[:, np.newaxis] * np.array([1, 1, 0, 0, 0, -1])
    y = X[:, :3].sum(axis=1) + 0.5 * codes + rng.logistic(size=900) > 1
    return X, np.where(y, "hired", "declined"), np.array(["a", "b", "c"])[codes]


@pytest.mark.parametrize("constraint", ["demographic_parity", "equal_opportunity"])
def test_groups_have_equal_mean_scores(people, constraint):
    X, y, group = people
    model = FairLogisticRegression(constraint=constraint, tol=1e-9)
    model.fit(X, y, sensitive_features=group)
    scores = model.decision_function(X)
    among = np.ones(900, bool) if constraint == "demographic_parity" else y == "hired"
    means = [scores[among & (group == name)].mean() for name in "abc"]
    assert_allclose(means, means[0], atol=1e-7)
    assert_allclose(model.covariances_, 0, atol=1e-8)
    free = LogisticRegression(tol=1e-10).fit(X, y)
    before = free.decision_function(X)
    assert np.ptp([before[among & (group == name)].mean() for name in "abc"]) > 0.3
    assert model.result_.objective > free.result_.objective


def test_weights_count_in_the_covariance(people, rng):
    X, y, group = people
    weights = rng.uniform(0, 2, 900)
    model = FairLogisticRegression(tol=1e-9).fit(X, y, weights, sensitive_features=group == "b")
    scores = model.decision_function(X)
    means = [
        np.average(scores[side], weights=weights[side]) for side in (group == "b", group != "b")
    ]
    assert_allclose(means[0], means[1], atol=1e-7)


def test_sensitive_columns_of_x(people):
    X, y, _ = people
    by_position = FairLogisticRegression(1).fit(X, y)
    assert_array_equal(FairLogisticRegression([1]).fit(X, y).coef_, by_position.coef_)
    outside = FairLogisticRegression().fit(X, y, sensitive_features=X[:, 1])
    assert_allclose(outside.coef_, by_position.coef_)
    assert_allclose(FairLogisticRegression(-5).fit(X, y).coef_, by_position.coef_)
    assert_allclose(
        FairLogisticRegression(1).fit(sparse.csc_array(X), y).coef_, by_position.coef_, atol=1e-6
    )
    assert abs(by_position.score_covariance(X, X[:, 1])) < 1e-6
    both = FairLogisticRegression([0, 1]).fit(X, y)
    assert abs(both.score_covariance(X, X[:, 0])) < 1e-6
    assert both.covariances_.shape == (2,)


def test_names_of_columns(people):
    pandas = pytest.importorskip("pandas")
    X, y, _ = people
    table = pandas.DataFrame(X, columns=list("uvwxyz"))
    named = FairLogisticRegression("v").fit(table, y)
    assert_allclose(named.coef_, FairLogisticRegression(1).fit(X, y).coef_)
    with pytest.raises(ValueError, match="sensitive_features must name columns of X; got 'q'"):
        FairLogisticRegression("q").fit(table, y)


def test_sensitive_features_that_depend_or_are_constant(people):
    X, y, group = people
    indicator = (group == "b").astype(float)
    once = FairLogisticRegression(tol=1e-9).fit(X, y, sensitive_features=indicator)
    table = np.column_stack([indicator, 1 - indicator, np.full(900, 0.1)])
    many = FairLogisticRegression(tol=1e-9).fit(X, y, sensitive_features=table)
    assert_allclose(many.coef_, once.coef_, atol=1e-7)
    assert many.multipliers_.shape == (1,)
    assert many.covariances_[2] == 0
    none = FairLogisticRegression(tol=1e-9).fit(X, y, sensitive_features=np.ones(900))
    assert_allclose(none.coef_, LogisticRegression(tol=1e-14).fit(X, y).coef_, atol=1e-6)


def test_bad_sensitive_features(people):
    X, y, group = people
    with pytest.raises(ValueError, match="sensitive_features must be given once.*nowhere"):
        FairLogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="sensitive_features must be given once.*both"):
        FairLogisticRegression(0).fit(X, y, sensitive_features=group)
    with pytest.raises(ValueError, match="sensitive_features must have length 900"):
        FairLogisticRegression().fit(X, y, sensitive_features=group[1:])
    with pytest.raises(ValueError, match="sensitive_features must hold positions below 6; got 6"):
        FairLogisticRegression(6).fit(X, y)
    with pytest.raises(TypeError, match="positions or names"):
        FairLogisticRegression(1.5).fit(X, y)
    with pytest.raises(ValueError, match="at least; got none"):
        FairLogisticRegression([]).fit(X, y)
    with pytest.raises(ValueError, match="sensitive_features contains NaN"):
        FairLogisticRegression().fit(X, y, sensitive_features=np.where(group == "a", np.nan, 1))
    with pytest.raises(ValueError, match="constraint must be one of"):
        FairLogisticRegression(0, "equalised_odds").fit(X, y)
