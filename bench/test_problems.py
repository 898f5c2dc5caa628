"""The generators and the judge, on small data (seconds; no timing)."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import sparse

from bench import linear, objective, peers, problems
from bench.base import Ladder


def test_autoregressive_covariance() -> None:
    X = linear.autoregressive(20_000, 5, 0.6, np.random.default_rng(0))
    places = np.arange(5)
    expected = 0.6 ** np.abs(places[:, None] - places)
    assert X.flags.f_contiguous
    np.testing.assert_allclose(np.cov(X.T), expected, atol=0.04)


def test_random_sparse_layout() -> None:
    X = linear.random_sparse(300, 200, 0.05, np.random.default_rng(0))
    assert X.indices.dtype == X.indptr.dtype == np.int32
    assert X.has_canonical_format
    assert X.nnz / 60_000 == pytest.approx(0.05, rel=0.05)  # places drawn twice count once
    assert X.data.std() == pytest.approx(1.0, rel=0.1)


def test_linear_model_noise_and_repeatability() -> None:
    first, second = linear.dense_wide(100, 400), linear.dense_wide(100, 400)
    np.testing.assert_array_equal(first.target, second.target)
    np.testing.assert_array_equal(first.labels, np.sign(first.target))
    assert set(first.labels) == {-1.0, 1.0}


def test_diabetes_interactions_are_collinear() -> None:
    X = linear.diabetes_interactions().X
    assert X.shape == (442, 285)
    assert np.linalg.matrix_rank(X) < 285
    np.testing.assert_allclose(X.std(axis=0), 1.0)


def test_absent_data_say_why(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CYCLOID_DATA", str(tmp_path))
    with pytest.raises(problems.Unavailable, match="CYCLOID_DATA"):
        linear.leukemia()


def small(loss: str, l1_ratio: float, is_sparse: bool = False) -> linear.Problem:
    X = sparse.csc_matrix((1, 1)) if is_sparse else np.empty((1, 1))
    kind = linear.Problem("kind", X, np.empty(1), loss, np.ones(1), l1_ratio)
    return kind.small()


KINDS = [
    ("squared", 1.0),
    ("squared", 0.5),
    ("logistic", 1.0),
    ("logistic", 0.5),
    ("logistic", 0.0),
]


@pytest.mark.parametrize(("loss", "l1_ratio"), KINDS)
def test_dual_is_a_lower_bound(loss: str, l1_ratio: float) -> None:
    """Weak duality between arbitrary points: each dual is below each primal."""
    problem = small(loss, l1_ratio)
    rng = np.random.default_rng(0)
    found = [
        objective.certify(problem, problem.alpha, scale * rng.standard_normal(40))
        for scale in (0.0, 0.01, 0.1, 1.0, 10.0)
    ]
    assert max(c.dual for c in found) <= min(c.primal for c in found)


@pytest.mark.parametrize(("loss", "l1_ratio"), [(k, r) for k, r in KINDS if r < 1.0])
@pytest.mark.parametrize("has_intercept", [False, True])
def test_gap_vanishes_at_the_optimum(loss: str, l1_ratio: float, has_intercept: bool) -> None:
    """Against a general-purpose optimizer, with the coefficients split into two signs."""
    from scipy.optimize import minimize

    problem = small(loss, l1_ratio)
    p = problem.X.shape[1]

    def split(x):
        return x[:p] - x[p : 2 * p], float(x[-1]) if has_intercept else None

    def value(x):
        b, intercept = split(x)
        z = problem.X @ b + (intercept or 0.0)
        if loss == "squared":
            slope, fit = z - problem.y, 0.5 * np.mean((z - problem.y) ** 2)
        else:
            slope = -problem.y / (1.0 + np.exp(problem.y * z))
            fit = np.mean(np.logaddexp(0.0, -problem.y * z))
        ridge = problem.alpha * (1.0 - l1_ratio)
        gradient = problem.X.T @ slope / len(z) + ridge * b
        lasso = problem.alpha * l1_ratio
        total = fit + 0.5 * ridge * b @ b + lasso * x[: 2 * p].sum()
        return total, np.r_[gradient + lasso, -gradient + lasso, np.mean(slope)]

    bounds = [(0.0, None)] * (2 * p) + [(None, None) if has_intercept else (0.0, 0.0)]
    found = minimize(
        value,
        np.zeros(2 * p + 1),
        jac=True,
        bounds=bounds,
        method="L-BFGS-B",
        options={"maxiter": 5_000, "ftol": 1e-16, "gtol": 1e-10},
    )
    certificate = objective.certify(problem, problem.alpha, *split(found.x))
    assert -1e-14 <= certificate.gap <= 1e-8


def test_null_model_has_accuracy_one_or_less() -> None:
    problem = small("squared", 1.0)
    certificate = objective.certify(problem, problem.alpha, np.zeros(40))
    assert certificate.primal == certificate.null
    assert certificate.accuracy(best_dual=certificate.null) == 0.0


def test_path_takes_columns_dense_or_sparse() -> None:
    problem = dataclasses.replace(small("squared", 1.0), alphas=np.array([0.2, 0.1]))
    coefs = np.zeros((40, 2))
    coefs[3] = [0.1, 0.2]
    dense = objective.certify_path(problem, coefs)
    assert dense == objective.certify_path(problem, sparse.csc_matrix(coefs))
    assert dense[1] == objective.certify(problem, 0.1, coefs[:, 1])
    with pytest.raises(ValueError, match="shape"):
        objective.certify_path(problem, coefs.T)


def test_ladder_goes_down_in_half_decades() -> None:
    steps = [tol for tol, _ in Ladder()]
    assert steps[0] == 1.0
    assert steps[-1] == pytest.approx(1e-14)
    np.testing.assert_allclose(np.divide(steps[1:], steps[:-1]), 10.0**-0.5)


@pytest.mark.parametrize(
    "solver", [peer.name for adapter in peers.LINEAR for peer in adapter.PEERS]
)
@pytest.mark.parametrize(("loss", "l1_ratio"), KINDS)
@pytest.mark.parametrize("is_sparse", [False, True])
def test_every_peer_solves_the_stated_problem(solver, loss, l1_ratio, is_sparse) -> None:
    peer = peers.all_peers()[solver]
    problem = small(loss, l1_ratio, is_sparse)
    if not peer.supports(problem):
        pytest.skip("another problem")
    if peer.reason():
        pytest.skip(peer.reason())
    data = peer.prepare(problem, 1)
    found = peer.solve(data, 1e-7)
    peer.close(data)
    certificates = objective.certify_path(problem, found.coef, found.intercept)
    assert certificates[0].gap <= 1e-4
