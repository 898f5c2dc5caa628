"""Designs on which descent crawls: as many active columns as samples, twins, few dimensions, ramps.

They are wide enough for the core to work in single precision where it can, and to have to leave it
where it cannot. The certificate is computed here, from the coefficients alone.
"""

import numpy as np
import pytest
import reference

from cycloid.linear_model import Status, enet_path, lasso_path, logistic_path

pytestmark = pytest.mark.numerical

N, P = 150, 900


def design(kind):
    rng = np.random.default_rng(17)
    noise = rng.standard_normal((N, P))
    match kind:
        case "independent":
            return noise
        case "twins":
            return np.hstack([noise[:, : P // 2]] * 2)
        case "near twins":
            half = noise[:, : P // 2]
            return np.hstack([half, half + 1e-4 * rng.standard_normal(half.shape)])
        case "few dimensions":
            return noise[:, :30] @ rng.standard_normal((30, P))
        case "ramps":
            return np.cumsum(noise, axis=1) / 30
        case "huge":
            return 1e20 * noise
        case "tiny":
            return 1e-20 * noise
        case "far from zero":
            return noise + 100
    raise AssertionError(kind)


KINDS = (
    "independent",
    "twins",
    "near twins",
    "few dimensions",
    "ramps",
    "huge",
    "tiny",
    "far from zero",
)


def problem(kind, loss, l1_ratio, fraction):
    X = np.asfortranarray(design(kind))
    rng = np.random.default_rng(5)
    signal = X[:, :20] @ rng.standard_normal(20)
    y = 2 * signal / signal.std() + rng.standard_normal(N)
    if loss == "logistic":
        y = np.where(y > np.median(y), 1.0, -1.0)
    full = reference.Problem(X=X, y=y, loss=loss, l1_ratio=l1_ratio)
    return full.at(fraction * full.alpha_max())


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("kind", KINDS)
def test_least_squares(kind, l1_ratio):
    case = problem(kind, "squared", l1_ratio, 1 / 300)
    settings = {"l1_ratio": l1_ratio, "alphas": [case.alpha], "rtol": 1e-9}
    fitted = enet_path(case.X, case.y, fit_intercept=True, **settings)
    assert fitted.status is Status.CONVERGED
    coef, intercept = fitted.coefs[:, 0], fitted.intercepts[0]
    gap = case.objective(coef, intercept) - case.dual(coef, intercept)
    assert gap <= 1e-8 * case.null()[0]
    if l1_ratio == 1 and "twins" not in kind:
        assert np.count_nonzero(coef) < N


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("kind", KINDS)
def test_logistic(kind, l1_ratio):
    case = problem(kind, "logistic", l1_ratio, 1 / 50)
    settings = {"l1_ratio": l1_ratio, "alphas": [case.alpha], "rtol": 1e-9}
    fitted = logistic_path(case.X, case.y, fit_intercept=True, **settings)
    assert fitted.status is Status.CONVERGED
    coef, intercept = fitted.coefs[:, 0], fitted.intercepts[0]
    gap = case.objective(coef, intercept) - case.dual(coef, intercept)
    assert gap <= 1e-7 * case.null()[0]


def test_single_and_double_precision_meet():
    """A working set beyond the size from which the Gram matrix is kept in single precision."""
    case = problem("independent", "squared", 0.5, 1 / 100)
    start = {"l1_ratio": 0.5, "alphas": [case.alpha], "rtol": 1e-13, "fit_intercept": True}
    wide = enet_path(case.X, case.y, **start)
    assert wide.trace["n_working"][-1] > 256
    support = np.flatnonzero(wide.coefs[:, 0])
    narrow = enet_path(case.X[:, support[:250]], case.y, **start)
    assert narrow.trace["n_working"][-1] <= 256  # in double precision throughout
    for X, path in ((case.X, wide), (case.X[:, support[:250]], narrow)):
        part = reference.Problem(X=X, y=case.y, alpha=case.alpha, l1_ratio=0.5)
        scale = np.abs(X.T @ case.y).max() / N
        assert part.violation(path.coefs[:, 0], path.intercepts[0]) <= 1e-9 * scale


def test_a_path_into_interpolation_stays_certified():
    case = problem("independent", "squared", 1.0, 1.0)
    path = lasso_path(case.X, case.y, n_alphas=12, eps=1e-4, rtol=1e-9, fit_intercept=True)
    assert path.status is Status.CONVERGED
    for k, alpha in enumerate(path.alphas):
        at = case.at(alpha)
        coef, intercept = path.coefs[:, k], path.intercepts[k]
        gap = at.objective(coef, intercept) - at.dual(coef, intercept)
        assert gap <= 1e-8 * case.null()[0]
