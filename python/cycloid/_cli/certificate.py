"""The duality gap of a sparse linear model, from its definition and in numpy alone.

The demonstration measures every solver with it, so it shares no code with any of them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import entr, expit

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """Minimise mean_i loss(y_i, b + x_i . w) + alpha (l1_ratio |w|_1 + (1 - l1_ratio) |w|^2 / 2).

    ``loss`` is "squared", (y - z)^2 / 2, or "logistic", log(1 + exp(-y z)) with y in {-1, +1}.
    The intercept b is not penalised, and is 0 unless ``fit_intercept``.
    """

    X: Any
    y: Vector
    loss: str
    l1_ratio: float = 1.0
    fit_intercept: bool = False

    def null_objective(self) -> float:
        """Return the objective of the best constant, the unit of every relative gap."""
        if self.loss == "squared":
            best = self.y.mean() if self.fit_intercept else 0.0
            return float(np.mean((self.y - best) ** 2) / 2)
        share = np.mean(self.y > 0) if self.fit_intercept else 0.5
        return float(entr(share) + entr(1 - share))

    def alpha_max(self) -> float:
        """Return the smallest alpha for which every coefficient is zero."""
        n = len(self.y)
        if self.loss == "squared":
            best = self.y.mean() if self.fit_intercept else 0.0
            gradient = (self.y - best) / n
        else:
            share = np.mean(self.y > 0) if self.fit_intercept else 0.5
            gradient = ((self.y > 0) - share) / n
        return float(np.abs(self.X.T @ gradient).max() / self.l1_ratio)


def relative_gap(problem: Problem, alpha: float, coef: Vector, intercept: float = 0.0) -> float:
    """Return (primal - dual) / null objective at a point: it is this close to the optimum, or less.

    Any dual feasible point gives a valid bound. The one used here is the gradient of the loss at
    the point, moved into the feasible set in the few ways below; the best of them counts.
    """
    z = problem.X @ coef + intercept
    l1, l2 = alpha * problem.l1_ratio, alpha * (1 - problem.l1_ratio)
    penalty = l1 * np.abs(coef).sum() + l2 / 2 * np.dot(coef, coef)
    if problem.loss == "squared":
        primal = np.mean((problem.y - z) ** 2) / 2 + penalty
        residual = problem.y - z
        if problem.fit_intercept:
            residual = residual - residual.mean()
    else:
        primal = np.mean(np.logaddexp(0, -problem.y * z)) + penalty
        residual = expit(-problem.y * z)
        if problem.fit_intercept:
            residual = _balanced(residual, problem.y)
    dual = _best_dual(problem, residual, l1, l2)
    return float((primal - dual) / problem.null_objective())


def _balanced(share: Vector, y: Vector) -> Vector:
    """Scale one class down so that sum_i y_i share_i = 0, as the intercept's dual demands."""
    positive = y > 0
    above, below = share[positive].sum(), share[~positive].sum()
    factor = min(above, below) / np.where(positive, above, below)
    return np.asarray(share * factor)


def _best_dual(problem: Problem, residual: Vector, l1: float, l2: float) -> float:
    """Maximise the dual over multiples of ``residual``, on a few candidates."""
    n = len(residual)
    theta = residual if problem.loss == "squared" else problem.y * residual
    correlation = np.abs(problem.X.T @ theta) / n
    largest = correlation.max()
    candidates = [min(1.0, l1 / largest) if largest > 0 else 1.0]
    if problem.loss == "squared" and np.dot(theta, theta) > 0:
        best = np.dot(theta, problem.y) / np.dot(theta, theta)
        candidates.append(min(best, l1 / largest) if largest > 0 else best)
    if l2 > 0:
        candidates.append(1.0)  # with a ridge term every point is feasible, at a price

    def dual(scale: float) -> float:
        if problem.loss == "squared":
            fit = np.mean(scale * theta * problem.y - (scale * theta) ** 2 / 2)
        else:
            fit = np.mean(entr(scale * residual) + entr(1 - scale * residual))
        excess = np.maximum(scale * correlation - l1, 0)
        return float(fit - (np.dot(excess, excess) / (2 * l2) if l2 > 0 else 0.0))

    return max(dual(scale) for scale in candidates)
