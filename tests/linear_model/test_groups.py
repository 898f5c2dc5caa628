"""Group, sparse-group and multi-task Lasso against plain numpy, scikit-learn and limits."""

import numpy as np
import pytest
import sklearn.linear_model as sk
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from cycloid.linear_model import (
    GroupLasso,
    GroupLassoCV,
    Lasso,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    SparseGroupLasso,
    SparseGroupLassoCV,
    Status,
    enet_path,
    group_lasso_path,
    multi_task_path,
)

pytestmark = pytest.mark.numerical

LISTS = [[3, 17], [0, 5, 39], list(range(20, 30))]
LISTS.append([j for j in range(40) if not any(j in group for group in LISTS)])


def soft(v, level):
    return np.sign(v) * np.maximum(np.abs(v) - level, 0)


def violation(X, Y, w, coef, intercept, lists, l1, norm, l2, fit_intercept=True):
    """Largest distance of minus the gradient of the loss from the subdifferential, plain."""
    w = w / w.sum()
    residual = Y - X @ coef - intercept
    slope = X.T @ (w[:, None] * residual) - l2 * coef
    largest = np.abs(w @ residual).max() if fit_intercept else 0.0
    for g, group in enumerate(lists):
        b, s = coef[group], slope[group]
        if not b.any():
            distance = max(np.linalg.norm(soft(s, l1)) - norm[g], 0)
        else:
            s = s - norm[g] * b / np.linalg.norm(b)
            distance = np.linalg.norm(np.where(b == 0, soft(s, l1), s - l1 * np.sign(b)))
        largest = max(largest, distance)
    return largest


@pytest.fixture
def tasks(rng):
    X = rng.standard_normal((50, 30)) + 0.5
    B = np.zeros((30, 4))
    B[:6] = rng.standard_normal((6, 4))
    return X, X @ B + 0.3 * rng.standard_normal((50, 4)) - 1


@pytest.mark.parametrize("groups", [5, [1, 4, 30, 5], LISTS])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_optimality_of_groups(regression, groups, l1_ratio, fit_intercept):
    X, y = regression
    w = np.linspace(0, 2, 60)
    path = group_lasso_path(
        X,
        y,
        groups,
        l1_ratio=l1_ratio,
        alphas=6,
        eps=0.01,
        fit_intercept=fit_intercept,
        sample_weight=w,
        rtol=1e-13,
    )
    assert path.converged
    assert not path.coefs[:, 0].any()
    assert path.coefs[:, 1].any()
    if isinstance(groups, int):
        lists = np.split(np.arange(40), 40 // groups)
    elif isinstance(groups[0], int):
        lists = np.split(np.arange(40), np.cumsum(groups)[:-1])
    else:
        lists = groups
    sizes = np.sqrt([len(group) for group in lists])
    for k, alpha in enumerate(path.alphas):
        coef = path.coefs[:, [k]]
        far = violation(
            X,
            y[:, None],
            w,
            coef,
            path.intercepts[k],
            lists,
            alpha * l1_ratio,
            alpha * (1 - l1_ratio) * sizes,
            0.0,
            fit_intercept,
        )
        assert far <= 1e-6
        assert_allclose(far, path.violations[k], atol=1e-9)
        residual = y - X @ coef[:, 0] - path.intercepts[k]
        norms = sizes @ [np.linalg.norm(coef[group]) for group in lists]
        penalty = alpha * (l1_ratio * np.abs(coef).sum() + (1 - l1_ratio) * norms)
        assert_allclose(path.objectives[k], w @ residual**2 / (2 * w.sum()) + penalty)
        assert -1e-12 <= path.objectives[k] - path.dual_objectives[k] <= 1e-9


def test_groups_of_one_are_the_lasso(regression):
    X, y = regression
    path = group_lasso_path(X, y, 1, fit_intercept=True, alphas=5, eps=0.01, rtol=1e-12)
    plain = enet_path(X, y, l1_ratio=1.0, fit_intercept=True, alphas=5, eps=0.01, rtol=1e-12)
    assert_allclose(path.alpha_max, plain.alpha_max)
    assert_allclose(path.coefs, plain.coefs, atol=1e-5)
    assert_allclose(path.intercepts, plain.intercepts, atol=1e-5)
    model = SparseGroupLasso(4, alpha=0.1, l1_ratio=1.0, tol=1e-12).fit(X, y)
    assert_allclose(model.coef_, Lasso(alpha=0.1, tol=1e-12).fit(X, y).coef_, atol=1e-5)


def test_group_weights_are_the_penalty(regression):
    X, y = regression
    v = np.linspace(0.5, 3, 8)
    model = GroupLasso(5, alpha=0.3, group_weights=v, tol=1e-13).fit(X, y)
    lists = np.split(np.arange(40), 8)
    far = violation(
        X, y[:, None], np.ones(60), model.coef_[:, None], model.intercept_, lists, 0, 0.3 * v, 0
    )
    assert far <= 1e-6
    # A group without a weight is free: its derivatives vanish, whatever alpha.
    free = GroupLasso(5, alpha=100.0, group_weights=[0.0] + [1.0] * 7, tol=1e-10).fit(X, y)
    expected = sk.LinearRegression().fit(X[:, :5], y)
    assert_allclose(free.coef_, np.append(expected.coef_, np.zeros(35)), atol=1e-6)
    assert free.dual_gap_ == np.inf
    assert free.result_.status == Status.CONVERGED


def test_alpha_max_is_sharp(regression):
    X, y = regression
    for l1_ratio in (0.0, 0.4, 1.0):
        top = group_lasso_path(X, y, LISTS, l1_ratio=l1_ratio, alphas=1).alpha_max
        path = group_lasso_path(
            X, y, LISTS, l1_ratio=l1_ratio, alphas=[1.0001 * top, 0.999 * top], rtol=1e-14
        )
        assert not path.coefs[:, 0].any()
        assert path.coefs[:, 1].any()


@pytest.mark.parametrize("layout", [np.asfortranarray, sparse.csc_array, sparse.csr_matrix])
def test_layouts_give_the_same(regression, tasks, layout):
    X, y = regression
    X = np.where(np.abs(X) < 1, 0, X)
    one = GroupLasso(4, alpha=0.2, tol=1e-12).fit(X, y)
    other = GroupLasso(4, alpha=0.2, tol=1e-12).fit(layout(X), y)
    assert_allclose(other.coef_, one.coef_, atol=1e-6)
    X, Y = tasks
    X = np.where(np.abs(X) < 1, 0, X)
    one = MultiTaskLasso(alpha=0.1, tol=1e-12).fit(X, Y)
    other = MultiTaskLasso(alpha=0.1, tol=1e-12).fit(layout(X), Y)
    assert_allclose(other.coef_, one.coef_, atol=1e-6)
    assert_allclose(other.intercept_, one.intercept_, atol=1e-6)
    narrow = MultiTaskLasso(alpha=0.1, tol=1e-12).fit(layout(X.astype(np.float32)), Y)
    assert narrow.coef_.dtype == np.float32
    assert_allclose(narrow.coef_, one.coef_, atol=1e-5)


@pytest.mark.parametrize("l1_ratio", [0.2, 1.0])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_multi_task_is_scikit_learns(tasks, l1_ratio, fit_intercept):
    X, Y = tasks
    options = {"alpha": 0.1, "l1_ratio": l1_ratio, "fit_intercept": fit_intercept}
    model = MultiTaskElasticNet(**options, tol=1e-12).fit(X, Y)
    expected = sk.MultiTaskElasticNet(**options, tol=1e-12, max_iter=100_000).fit(X, Y)
    assert_allclose(model.coef_, expected.coef_, atol=1e-6)
    assert_allclose(model.intercept_, expected.intercept_, atol=1e-6)
    assert_allclose(model.predict(X), expected.predict(X), atol=1e-5)
    assert model.dual_gap_ == model.result_.gap
    assert_allclose(
        model.result_.tolerance,
        1e-12 * np.mean(np.sum((Y - Y.mean(axis=0) * fit_intercept) ** 2, axis=1)),
    )


def test_multi_task_optimality_with_weights(tasks):
    X, Y = tasks
    w, v = np.linspace(0, 1, 50), np.linspace(0.5, 2, 30)
    path = multi_task_path(
        X,
        Y,
        l1_ratio=0.7,
        alphas=5,
        eps=0.01,
        fit_intercept=True,
        sample_weight=w,
        penalty_weights=v,
        rtol=1e-13,
    )
    assert path.coefs.shape == (4, 30, 5)
    assert path.intercepts.shape == (4, 5)
    for k, alpha in enumerate(path.alphas):
        far = violation(
            X,
            Y,
            w,
            path.coefs[:, :, k].T,
            path.intercepts[:, k],
            [[j] for j in range(30)],
            0.0,
            0.7 * alpha * v,
            (0.3 * alpha * v)[:, None],
        )
        assert far <= 1e-6
        assert_array_equal(path.at(k).coef, path.coefs[:, :, k])
        assert_array_equal(path.at(k).intercept, path.intercepts[:, k])


def test_no_penalty_is_least_squares(tasks):
    X, Y = tasks
    model = MultiTaskLasso(alpha=0.0, tol=1e-10).fit(X, Y)
    assert_allclose(model.coef_, sk.LinearRegression().fit(X, Y).coef_, atol=1e-6)
    assert model.dual_gap_ == np.inf


def test_warm_start_and_random_order(tasks):
    X, Y = tasks
    model = MultiTaskLasso(alpha=0.05, warm_start=True, tol=1e-9).fit(X, Y)
    coef = model.coef_.copy()
    model.fit(X, Y)
    assert model.n_iter_ == 1
    assert_allclose(model.coef_, coef, atol=1e-6)
    shuffled = MultiTaskLasso(alpha=0.05, tol=1e-12, selection="random", random_state=1).fit(X, Y)
    assert_allclose(shuffled.coef_, coef, atol=1e-4)


def test_cross_validation_is_scikit_learns(tasks):
    X, Y = tasks
    ours = MultiTaskElasticNetCV(l1_ratio=[0.5, 1.0], alphas=6, eps=0.01, tol=1e-10, cv=3)
    theirs = sk.MultiTaskElasticNetCV(l1_ratio=[0.5, 1.0], eps=0.01, tol=1e-8, cv=3)
    # The number of alphas has another name in scikit-learn 1.6.
    modern = "n_alphas" not in theirs.get_params() or theirs.n_alphas == "deprecated"
    theirs.set_params(**{"alphas" if modern else "n_alphas": 6}, max_iter=100_000)
    ours.fit(X, Y), theirs.fit(X, Y)
    assert_allclose(ours.alphas_, theirs.alphas_, rtol=1e-6)
    assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=1e-3)
    assert_allclose(ours.alpha_, theirs.alpha_)
    assert ours.l1_ratio_ == theirs.l1_ratio_
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    assert MultiTaskLassoCV(alphas=3, cv=2).fit(X, Y).coef_.shape == (4, 30)


def test_cross_validation_of_groups(regression):
    X, y = regression
    folds = [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))]
    w = np.linspace(1, 2, 60)
    model = SparseGroupLassoCV(LISTS, l1_ratio=[0.2, 0.8], alphas=4, eps=0.1, cv=folds, tol=1e-8)
    model.fit(X, y, w)
    assert model.mse_path_.shape == (2, 4, 2)
    train, test = folds[1]
    alone = SparseGroupLasso(LISTS, alpha=model.alphas_[1, 2], l1_ratio=0.8, tol=1e-10)
    alone.fit(X[train], y[train], w[train])
    error = np.average((alone.predict(X[test]) - y[test]) ** 2, weights=w[test])
    assert_allclose(model.mse_path_[1, 2, 1], error, rtol=1e-3)
    parallel = GroupLassoCV(5, alphas=4, cv=folds, n_jobs=2, n_threads=2).fit(X, y)
    assert_array_equal(parallel.coef_, GroupLassoCV(5, alphas=4, cv=folds).fit(X, y).coef_)


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 12),
    n_groups=st.integers(1, 5),
    l1_ratio=st.sampled_from([0.0, 0.5, 1.0]),
    intercept=st.booleans(),
)
def test_small_problems_have_certificates(seed, n, n_groups, l1_ratio, intercept):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 4, n_groups)
    X = rng.integers(-2, 3, (n, sizes.sum())).astype(float)
    y = rng.standard_normal(n)
    path = group_lasso_path(
        X, y, list(sizes), l1_ratio=l1_ratio, alphas=[0.3, 0.03], fit_intercept=intercept
    )
    assert path.converged
    lists = np.split(np.arange(sizes.sum()), np.cumsum(sizes)[:-1])
    for k, alpha in enumerate(path.alphas):
        coef = path.coefs[:, k]
        residual = y - X @ coef - path.intercepts[k]
        norms = np.sqrt(sizes) @ [np.linalg.norm(coef[group]) for group in lists]
        value = residual @ residual / (2 * n)
        value += alpha * (l1_ratio * np.abs(coef).sum() + (1 - l1_ratio) * norms)
        assert_allclose(path.objectives[k], value, atol=1e-12)
        # Scaling the data scales the problem.
        scaled = group_lasso_path(
            X, 3 * y, list(sizes), l1_ratio=l1_ratio, alphas=[3 * alpha], fit_intercept=intercept
        )
        assert abs(scaled.objectives[0] - 9 * value) <= 9 * (path.gaps[k] + scaled.gaps[0]) + 1e-12


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_screening_keeps_every_feature_of_the_support(rng, l1_ratio):
    X = rng.standard_normal((40, 600))
    y = X[:, ::60] @ rng.standard_normal(10) + 0.1 * rng.standard_normal(40)
    path = group_lasso_path(X, y, 3, l1_ratio=l1_ratio, alphas=20, eps=0.05, rtol=1e-12)
    assert path.trace["n_screened"].max() > 100
    lists = np.split(np.arange(600), 200)
    for k, alpha in enumerate(path.alphas):
        far = violation(
            X,
            y[:, None],
            np.ones(40),
            path.coefs[:, [k]],
            0.0,
            lists,
            alpha * l1_ratio,
            alpha * (1 - l1_ratio) * np.full(200, 3**0.5),
            0.0,
            False,
        )
        assert far <= 1e-5


def test_odd_shapes():
    assert GroupLasso().fit([[1.0]], [2.0]).coef_.tolist() == [0.0]
    one = MultiTaskLasso(alpha=0.1).fit([[0.0], [1.0], [2.0]], [[0.0], [1.0], [2.0]])
    assert_allclose(one.coef_, Lasso(alpha=0.1).fit([[0.0], [1.0], [2.0]], [0, 1, 2]).coef_[None])
    constant = GroupLasso(2, alpha=0.1).fit(np.ones((5, 4)), np.arange(5.0))
    assert_array_equal(constant.coef_, np.zeros(4))
    X = np.ones((6, 4))
    X[:3] = 0  # four equal columns
    twins = GroupLasso(2, alpha=0.01, tol=1e-12).fit(X, np.arange(6.0))
    assert twins.result_.status == Status.CONVERGED
    flat = multi_task_path(np.eye(3), np.ones((3, 2)), fit_intercept=True, alphas=3)
    assert not flat.coefs.any()


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        (7, ValueError, "groups=7 must divide the number of features, 40"),
        (0, ValueError, "groups must be an integer >= 1"),
        ([20, 10], ValueError, "sum to the number of features, 40; got 30"),
        ([0, 40], ValueError, "sizes >= 1"),
        ([[0, 1], [1, 2]], ValueError, "must not overlap; feature 1"),
        ([list(range(39))], ValueError, "feature 39 is in none"),
        ([list(range(40)), []], (TypeError, ValueError), "groups must hold"),
        ([[0, 40]], ValueError, "got 40"),
        ([0.5, 39.5], TypeError, "must hold integers"),
        ("ab", TypeError, "groups must be an integer"),
        (True, TypeError, "groups must be"),
        ([], ValueError, "must not be empty"),
    ],
)
def test_groups_that_are_no_partition(regression, groups, error, message):
    with pytest.raises(error, match=message):
        GroupLasso(groups).fit(*regression)


def test_other_wrong_input(regression, tasks):
    X, y = regression
    with pytest.raises(ValueError, match="group_weights must have length 8"):
        GroupLasso(5, group_weights=[1.0]).fit(X, y)
    with pytest.raises(ValueError, match="group_weights must be non-negative"):
        GroupLasso(20, group_weights=[1.0, -1.0]).fit(X, y)
    with pytest.raises(ValueError, match="X contains NaN"):
        GroupLasso(5).fit(np.where(X[3, 4] == X, np.nan, X), y)
    X, Y = tasks
    with pytest.raises(ValueError, match=r"y must have shape \(n_samples, n_targets\)"):
        MultiTaskLasso().fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="coef_init must have shape"):
        multi_task_path(X, Y, coef_init=np.zeros((30, 4)))
    with pytest.raises(ValueError, match="alphas must be given when l1_ratio=0"):
        multi_task_path(X, Y, l1_ratio=0.0)
    with pytest.raises(ValueError, match="Y must have length 50"):
        multi_task_path(X, Y[:40])


def test_a_callback_ends_it(tasks):
    X, Y = tasks
    with pytest.warns(ConvergenceWarning, match="callback ended"):
        path = multi_task_path(X, Y, alphas=10, rtol=1e-12, callback=lambda row: True)
    assert path.status == Status.STOPPED
    assert path.n_missing > 0
    with pytest.warns(ConvergenceWarning, match="time limit"):
        MultiTaskLasso(alpha=0.01, tol=1e-14, time_limit=0.0).fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="iteration limit"):
        path = multi_task_path(X, Y, alphas=[0.01], rtol=1e-14, max_iter=1)
    assert path.gaps[0] > 0
