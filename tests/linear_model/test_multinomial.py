"""Multinomial logistic regression against plain numpy, scikit-learn and limits."""

import warnings

import numpy as np
import pytest
import sklearn.linear_model as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import logsumexp, softmax
from sklearn.exceptions import ConvergenceWarning

from cycloid.linear_model import LogisticRegression, Status, logistic_path, multinomial_path

pytestmark = pytest.mark.numerical


@pytest.fixture
def classes(rng):
    """(X, y) with four overlapping classes of unequal size, n = 150, p = 12."""
    X = rng.standard_normal((150, 12)) * rng.uniform(0.5, 2, 12) + 1
    B = np.zeros((12, 4))
    B[:5] = rng.standard_normal((5, 4))
    scores = X @ B + rng.gumbel(size=(150, 4)) + [1, 0, 0, -1]
    return X, np.array(["d", "b", "a", "c"])[scores.argmax(axis=1)]


def mean_loss(X, y, w, coef, intercept):
    codes = np.unique(y, return_inverse=True)[1]
    scores = X @ coef.T + intercept
    return np.average(logsumexp(scores, axis=1) - scores[np.arange(len(y)), codes], weights=w)


def slopes(X, y, w, coef, intercept):
    """Minus the gradient by coefficients and intercepts."""
    one_hot = (y[:, None] == np.unique(y)).astype(float)
    u = (w / w.sum())[:, None] * (one_hot - softmax(X @ coef.T + intercept, axis=1))
    return u.T @ X, u.sum(axis=0)


def soft(v, level):
    return np.sign(v) * np.maximum(np.abs(v) - level, 0)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_optimality(classes, grouped, l1_ratio, fit_intercept):
    X, y = classes
    w, v = np.linspace(0, 2, 150), np.linspace(0.5, 2, 12)
    path = multinomial_path(
        X,
        y,
        l1_ratio=l1_ratio,
        grouped=grouped,
        alphas=[0.3, 0.05, 0.005],
        fit_intercept=fit_intercept,
        sample_weight=w,
        penalty_weights=v,
        rtol=1e-12,
    )
    assert path.converged
    for k, alpha in enumerate(path.alphas):
        coef, intercept = path.coefs[:, :, k], path.intercepts[:, k]
        slope, slope0 = slopes(X, y, w, coef, intercept)
        if fit_intercept:
            assert np.abs(slope0).max() <= 1e-6
            assert_allclose(intercept.sum(), 0, atol=1e-10)
        else:
            assert not intercept.any()
        kink = alpha * v * l1_ratio
        slope = slope - alpha * v * (1 - l1_ratio) * coef
        if grouped:
            norms = np.linalg.norm(coef, axis=0)
            inside = np.maximum(np.linalg.norm(slope, axis=0) - kink, 0)
            on = slope - kink * coef / np.where(norms == 0, 1, norms)
            far = np.where(norms == 0, inside, np.linalg.norm(on, axis=0))
            penalty = kink @ norms
        else:
            far = np.where(coef == 0, soft(slope, kink), slope - kink * np.sign(coef))
            penalty = np.sum(kink * np.abs(coef))
        assert np.abs(far).max() <= 1e-6
        penalty += np.sum(alpha * v * (1 - l1_ratio) / 2 * coef**2)
        assert_allclose(path.objectives[k], mean_loss(X, y, w, coef, intercept) + penalty)
        assert -1e-12 <= path.objectives[k] - path.dual_objectives[k] <= 1e-11


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_l2_is_scikit_learns(classes, fit_intercept):
    X, y = classes
    for weight in (None, "balanced", {"a": 2.0}):
        options = {"C": 0.7, "fit_intercept": fit_intercept, "class_weight": weight}
        ours = LogisticRegression(**options, tol=1e-12).fit(X, y)
        theirs = sk.LogisticRegression(**options, tol=1e-10, max_iter=10_000).fit(X, y)
        assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
        assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)
        assert_array_equal(ours.classes_, theirs.classes_)
        assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)
        assert_array_equal(ours.predict(X), theirs.predict(X))
    sketch = LogisticRegression(C=0.7, solver="newton-sketch", tol=1e-12).fit(X, y)
    assert_allclose(sketch.coef_, LogisticRegression(C=0.7, tol=1e-12).fit(X, y).coef_, atol=1e-4)


def test_l1_is_scikit_learns(classes):
    X, y = classes
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    ours = LogisticRegression(C=0.2, l1_ratio=1.0, tol=1e-12).fit(X, y)
    theirs = sk.LogisticRegression(
        C=0.2, l1_ratio=1.0, penalty="elasticnet", solver="saga", tol=1e-8, max_iter=20_000
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # for `penalty`, which 1.6 needs
        theirs.fit(X, y)
    # A common shift of a feature's four coefficients may be free.
    assert_allclose(ours.coef_ - ours.coef_[0], theirs.coef_ - theirs.coef_[0], atol=1e-4)
    assert 0 < (ours.coef_ != 0).mean() < 1
    rows = LogisticRegression(C=0.2, l1_ratio=1.0, grouped=True, tol=1e-10).fit(X, y)
    used = rows.coef_ != 0
    assert_array_equal(used.all(axis=0), used.any(axis=0))
    assert 0 < used.any(axis=0).mean() < 1


def test_no_penalty(classes):
    X, y = classes
    X = X[:, :4]
    ours = LogisticRegression(C=np.inf, tol=1e-9).fit(X, y)
    assert ours.result_.gap == np.inf
    slope, slope0 = slopes(X, y, np.ones(150), ours.coef_, ours.intercept_)
    assert max(np.abs(slope).max(), np.abs(slope0).max()) <= 1e-8


def test_two_classes_have_half_the_coefficients_of_the_logistic_path(classes):
    X, y = classes
    y = np.where(np.isin(y, ["a", "b"]), "no", "yes")
    several = multinomial_path(X, y, l1_ratio=0.0, alphas=[0.02], rtol=1e-13)
    # b_2 - b_1 has the penalty alpha / 4 |b_2 - b_1|^2.
    one = logistic_path(X, y, l1_ratio=0.0, alphas=[0.01], rtol=1e-13)
    assert_allclose(several.coefs[1] - several.coefs[0], one.coefs, atol=1e-5)
    assert_allclose(several.objectives, one.objectives, atol=1e-10)


def test_weights_are_repetitions(classes):
    X, y = classes
    w = np.arange(150) % 3
    weighted = LogisticRegression(l1_ratio=0.5, C=0.5, tol=1e-11).fit(X, y, w)
    repeated = LogisticRegression(l1_ratio=0.5, C=0.5, tol=1e-11)
    repeated.fit(np.repeat(X, w, axis=0), np.repeat(y, w))
    assert_allclose(weighted.coef_, repeated.coef_, atol=1e-4)


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("layout", [np.asfortranarray, sparse.csc_array, sparse.csr_matrix])
def test_layouts_give_the_same(classes, layout, l1_ratio):
    X, y = classes
    X = np.where(np.abs(X) < 1, 0, X)
    one = LogisticRegression(l1_ratio=l1_ratio, C=0.5, tol=1e-10).fit(X, y)
    other = LogisticRegression(l1_ratio=l1_ratio, C=0.5, tol=1e-10).fit(layout(X), y)
    # An L1 penalty leaves the middle of an even number of classes open: a common shift is free.
    assert_allclose(other.coef_ - other.coef_[0], one.coef_ - one.coef_[0], atol=1e-4)
    narrow = LogisticRegression(l1_ratio=l1_ratio, C=0.5, tol=1e-8)
    narrow.fit(layout(X.astype(np.float32)), y)
    assert narrow.coef_.dtype == narrow.intercept_.dtype == np.float32
    assert_allclose(narrow.coef_ - narrow.coef_[0], one.coef_ - one.coef_[0], atol=1e-3)


def test_more_features_than_samples(rng):
    X = sparse.random_array((60, 300), density=0.05, rng=rng, format="csr")
    y = np.arange(60) % 5
    for l1_ratio in (0.0, 1.0):
        path = multinomial_path(X, y, l1_ratio=l1_ratio, alphas=[0.01, 1e-3], rtol=1e-10)
        assert path.converged
        dense = multinomial_path(X.toarray(), y, l1_ratio=l1_ratio, alphas=[0.01, 1e-3], rtol=1e-10)
        assert_allclose(path.objectives, dense.objectives, rtol=1e-8)


def test_warm_start_and_random_order(classes):
    X, y = classes
    model = LogisticRegression(l1_ratio=0.5, warm_start=True, tol=1e-8).fit(X, y)
    coef = model.coef_.copy()
    model.fit(X, y)
    assert model.n_iter_[0] == 1
    assert_allclose(model.coef_, coef, atol=1e-4)
    shuffled = LogisticRegression(l1_ratio=0.5, tol=1e-10, selection="random", random_state=0)
    assert_allclose(shuffled.fit(X, y).coef_, coef, atol=1e-3)
    model.fit(X, y == "a")  # other classes: it starts anew
    assert model.coef_.shape == (1, 12)


def test_inverse_strengths(classes):
    X, y = classes
    path = multinomial_path(X, y, Cs=[0.1, 1.0])
    assert_allclose(path.alphas, [1 / 15, 1 / 150])
    model = LogisticRegression(C=0.1, l1_ratio=1.0, tol=1e-6).fit(X, y)
    assert_allclose(model.coef_, path.coefs[:, :, 0], atol=1e-3)
    assert model.result_.coef.shape == (4, 12)
    assert model.result_.intercept.shape == (4,)


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(3, 15),
    p=st.integers(1, 6),
    k=st.integers(2, 4),
    l1_ratio=st.sampled_from([0.0, 0.5, 1.0]),
    grouped=st.booleans(),
)
@settings(max_examples=40)
def test_small_problems_have_certificates(seed, n, p, k, l1_ratio, grouped):
    rng = np.random.default_rng(seed)
    X = rng.integers(-2, 3, (n, p)).astype(float)
    y = np.append(np.arange(k), rng.integers(0, k, n))[: max(n, k)]
    X = np.resize(X, (len(y), p))
    alphas = [0.2, 0.02]
    path = multinomial_path(X, y, l1_ratio=l1_ratio, grouped=grouped, alphas=alphas)
    assert path.converged
    assert (path.objectives <= path.null_objective + 1e-12).all()
    # The order of the features changes nothing.
    order = rng.permutation(p)
    mixed = multinomial_path(X[:, order], y, l1_ratio=l1_ratio, grouped=grouped, alphas=alphas)
    assert (np.abs(mixed.objectives - path.objectives) <= mixed.gaps + path.gaps + 1e-12).all()


def test_separable_classes_without_a_penalty_end():
    X = np.repeat(np.eye(3), 4, axis=0)
    y = np.repeat([0, 1, 2], 4)
    with pytest.warns(ConvergenceWarning):
        model = LogisticRegression(C=np.inf, tol=1e-300, max_iter=20).fit(X, y)
    assert model.score(X, y) == 1
    assert np.isfinite(model.coef_).all()


def test_wrong_input(classes):
    X, y = classes
    with pytest.raises(ValueError, match="grouped=True is not for"):
        LogisticRegression(solver="newton-sketch", grouped=True).fit(X, y)
    with pytest.raises(TypeError, match="grouped must be True or False"):
        multinomial_path(X, y, grouped=1)
    with pytest.raises(ValueError, match="only zeros for the class"):
        multinomial_path(X, y, sample_weight=(y != "a").astype(float))
    with pytest.raises(ValueError, match=r"coef_init must have shape \(4, 12\)"):
        multinomial_path(X, y, coef_init=np.zeros((12, 4)))
    with pytest.raises(ValueError, match="alphas must be given when l1_ratio=0"):
        multinomial_path(X, y, l1_ratio=0.0)
    with pytest.raises(ValueError, match="two classes; got one"):
        multinomial_path(X, np.zeros(150))


def test_a_callback_ends_it(classes):
    X, y = classes
    with pytest.warns(ConvergenceWarning, match="callback ended"):
        path = multinomial_path(X, y, alphas=10, rtol=1e-12, callback=lambda row: True)
    assert path.status == Status.STOPPED
