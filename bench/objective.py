"""One independent judge of linear models: the primal and a feasible dual value in NumPy.

For the mean form of ``bench.linear`` with a1 = alpha l1_ratio, a2 = alpha (1 - l1_ratio), the
Fenchel dual over theta in R^n is

    squared    y . theta - n/2 |theta|^2          - penalty*(X' theta)
    logistic   (1/n) sum_i H(n y_i theta_i)       - penalty*(X' theta)

with the binary entropy H on [0, 1], and penalty*(c) the indicator of |c|_inf <= a1 when a2 = 0
and sum_j (|c_j| - a1)_+^2 / (2 a2) otherwise; an intercept adds sum(theta) = 0. Any feasible theta
gives a lower bound; ours is minus the gradient of the loss at the solver's point, made feasible
and scaled as well as possible (the dual point of gap-safe screening).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse, special

from bench.linear import Problem


@dataclass(frozen=True)
class Certificate:
    """Objective values at one point; ``null`` is the objective of the null model."""

    primal: float
    dual: float
    null: float
    support: int

    @property
    def gap(self) -> float:
        return (self.primal - self.dual) / self.null

    def accuracy(self, best_dual: float = -np.inf) -> float:
        """(P - best dual) / P(0): the figure that every table reports."""
        return (self.primal - max(self.dual, best_dual)) / self.null


def certify(problem: Problem, alpha: float, coef, intercept: float | None = None) -> Certificate:
    """Judge one solution. ``intercept`` None means that the problem has none."""
    has_intercept = intercept is not None
    b = _as_vector(coef, problem.X.shape[1])
    z = problem.X @ b + (intercept or 0.0)
    a1, a2 = alpha * problem.l1_ratio, alpha * (1.0 - problem.l1_ratio)
    primal = _mean_loss(problem, z) + a1 * _sum(np.abs(b)) + 0.5 * a2 * _sum(b * b)
    if problem.loss == "squared":
        dual = _dual_squared(problem, z, a1, a2, has_intercept)
    else:
        dual = _dual_logistic(problem, z, a1, a2, has_intercept)
    return Certificate(
        primal, dual, null_objective(problem, has_intercept), int(np.count_nonzero(b))
    )


def certify_path(problem: Problem, coefs, intercepts=None) -> list[Certificate]:
    """Judge every value of a path; ``coefs`` is (p,) or (p, K), dense or sparse."""
    if not problem.is_path:
        value = None if intercepts is None else float(np.ravel(intercepts)[0])
        return [certify(problem, problem.alpha, coefs, value)]
    columns = sparse.csc_matrix(coefs) if sparse.issparse(coefs) else np.asarray(coefs)
    if columns.shape != (problem.X.shape[1], len(problem.alphas)):
        raise ValueError(f"expected coefficients of shape (p, K), got {columns.shape}")
    return [
        certify(
            problem, alpha, columns[:, [k]], None if intercepts is None else float(intercepts[k])
        )
        for k, alpha in enumerate(problem.alphas)
    ]


def worst_accuracy(certificates: list[Certificate], best_duals) -> float:
    return max(c.accuracy(d) for c, d in zip(certificates, best_duals, strict=True))


def null_objective(problem: Problem, has_intercept: bool = False) -> float:
    """The objective at zero coefficients and, if there is an intercept, the best one."""
    y = problem.y
    z = np.zeros(len(y))
    if has_intercept and problem.loss == "squared":
        z += y.mean()
    elif has_intercept:
        positive = np.count_nonzero(y > 0)
        z += np.log(positive / (len(y) - positive))
    return _mean_loss(problem, z)


# ------------------------------------------------------------------------------------- details


def _sum(values: np.ndarray) -> float:
    """Sum in extended precision: differences of 1e-12 of the objective must survive."""
    return float(np.sum(values, dtype=np.longdouble))


def _as_vector(coef, p: int) -> np.ndarray:
    dense = coef.toarray() if sparse.issparse(coef) else np.asarray(coef)
    b = dense.astype(np.float64).ravel()
    if b.shape != (p,):
        raise ValueError(f"expected {p} coefficients, got {b.shape}")
    return b


def _mean_loss(problem: Problem, z: np.ndarray) -> float:
    if problem.loss == "squared":
        return 0.5 * _sum((problem.y - z) ** 2) / len(z)
    return _sum(np.logaddexp(0.0, -problem.y * z)) / len(z)


def _conjugate(correlations: np.ndarray, scale: float, a1: float, a2: float) -> float:
    """penalty* at scale * correlations, where a2 > 0."""
    excess = np.maximum(scale * np.abs(correlations) - a1, 0.0)
    return _sum(excess * excess) / (2.0 * a2)


def _best_scale(value, largest: float) -> float:
    """The maximum over [0, largest] of a concave function; 1, the answer at the optimum, counts
    exactly because the search is not that precise."""
    found = optimize.minimize_scalar(lambda s: -value(s), bounds=(0.0, largest), method="bounded")
    candidates = [value(float(found.x)), value(min(1.0, largest))]
    return max(candidates)


def _largest_scale(correlations: np.ndarray, a1: float, a2: float) -> float:
    strongest = float(np.abs(correlations).max())
    return np.inf if a2 > 0.0 or strongest == 0.0 else a1 / strongest


def _dual_squared(problem: Problem, z, a1, a2, has_intercept) -> float:
    n = len(z)
    theta = (problem.y - z) / n
    if has_intercept:
        theta = theta - theta.mean()
    correlations = problem.X.T @ theta
    linear, quadratic = _sum(problem.y * theta), n * _sum(theta * theta)
    if quadratic == 0.0:
        return 0.0
    limit = _largest_scale(correlations, a1, a2)
    if np.isfinite(limit) or a2 == 0.0:
        s = min(max(linear / quadratic, 0.0), limit)
        return s * linear - 0.5 * s * s * quadratic
    return _best_scale(
        lambda s: s * linear - 0.5 * s * s * quadratic - _conjugate(correlations, s, a1, a2), 2.0
    )


def _dual_logistic(problem: Problem, z, a1, a2, has_intercept) -> float:
    n = len(z)
    u = special.expit(-problem.y * z)
    if has_intercept:  # sum(y u) = 0 by shrinking the heavier class, which keeps u in [0, 1]
        positive = problem.y > 0
        masses = _sum(u[positive]), _sum(u[~positive])
        u = u * np.where(positive, min(1.0, masses[1] / masses[0]), min(1.0, masses[0] / masses[1]))
    correlations = problem.X.T @ (problem.y * u) / n
    limit = min(_largest_scale(correlations, a1, a2), 1.0 / float(u.max()))

    def value(s: float) -> float:
        su = np.minimum(s * u, 1.0)
        entropy = _sum(special.entr(su) + special.entr(1.0 - su)) / n
        return entropy - (_conjugate(correlations, s, a1, a2) if a2 > 0.0 else 0.0)

    return _best_scale(value, min(limit, 2.0))
