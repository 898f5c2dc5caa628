"""The problem in plain numpy, apart from the package: objective, optimality, slow solvers."""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.special import expit, xlogy


@dataclass(frozen=True, kw_only=True)
class Problem:
    """sum_i w_i loss(y_i, b + x_i.beta) + alpha sum_j v_j (r |beta_j| + (1 - r)/2 beta_j^2)."""

    X: object
    y: object  # -1 and +1 with the logistic loss
    loss: str = "squared"
    alpha: float = 0.0
    l1_ratio: float = 1.0
    sample_weight: object = None
    penalty_weights: object = None
    positive: bool = False
    fit_intercept: bool = True

    @property
    def dense(self):
        return np.asarray(self.X.toarray() if sparse.issparse(self.X) else self.X, dtype=float)

    @property
    def w(self):
        n = self.X.shape[0]
        weight = np.ones(n) if self.sample_weight is None else np.asarray(self.sample_weight, float)
        return weight / weight.sum()

    @property
    def l1(self):
        return self.alpha * self.l1_ratio * self._v

    @property
    def l2(self):
        return self.alpha * (1 - self.l1_ratio) * self._v

    @property
    def _v(self):
        p = self.X.shape[1]
        return np.ones(p) if self.penalty_weights is None else np.asarray(self.penalty_weights)

    def loss_value(self, scores):
        if self.loss == "squared":
            return self.w @ (self.y - scores) ** 2 / 2
        return self.w @ np.logaddexp(0, -self.y * scores)

    def loss_slope(self, scores):
        """Derivative of the loss by each score."""
        if self.loss == "squared":
            return self.w * (scores - self.y)
        return -self.w * self.y * expit(-self.y * scores)

    def loss_curvature(self, scores):
        return self.w if self.loss == "squared" else self.w * expit(scores) * expit(-scores)

    def objective(self, coef, intercept=0.0):
        penalty = self.l1 @ np.abs(coef) + self.l2 @ np.asarray(coef) ** 2 / 2
        return self.loss_value(self.dense @ coef + intercept) + penalty

    def violation(self, coef, intercept=0.0):
        """Largest distance of minus the gradient of the loss from the penalty's subdifferential."""
        slope = self.loss_slope(self.dense @ coef + intercept)
        g = self.dense.T @ slope + self.l2 * coef
        at_zero = np.maximum(-g - self.l1, 0) if self.positive else np.maximum(abs(g) - self.l1, 0)
        away = np.abs(g + self.l1 * np.sign(coef))
        largest = np.where(coef == 0, at_zero, away).max(initial=0)
        return max(largest, abs(slope.sum())) if self.fit_intercept else largest

    def dual(self, coef, intercept=0.0):
        """A lower bound of the minimum: the dual at the scaled slopes of the loss.

        Needs a penalty on every coefficient; the slopes are made to sum to zero first.
        """
        scores = self.dense @ coef + intercept
        slope = self.loss_slope(scores)
        if self.fit_intercept:
            curvature = self.loss_curvature(scores)  # the slopes so stay in the loss's range
            slope = slope - curvature * (slope.sum() / curvature.sum())
        u = -(self.dense.T @ slope)
        size = np.maximum(u, 0) if self.positive else np.abs(u)
        scale = 1.0
        hard = (self.l2 == 0) & (size > self.l1)
        if hard.any():
            scale = (self.l1[hard] / size[hard]).min()
        soft = self.l2 > 0
        excess = np.maximum(scale * size[soft] - self.l1[soft], 0)
        used = self.w > 0
        theta, w, y = -scale * slope[used] / self.w[used], self.w[used], self.y[used]
        if self.loss == "squared":
            value = w @ (y * theta - theta**2 / 2)
        else:
            q = y * theta
            if (q < -1e-12).any() or (q > 1 + 1e-12).any():
                return -np.inf
            q = q.clip(0, 1)
            value = -w @ (xlogy(q, q) + xlogy(1 - q, 1 - q))
        return value - np.sum(excess**2 / (2 * self.l2[soft]))

    def null(self):
        """(objective, intercept) of the model without features."""
        zero = np.zeros(self.X.shape[1])
        intercept = 0.0
        if self.fit_intercept:
            mean = self.w @ self.y
            intercept = mean if self.loss == "squared" else np.log((1 + mean) / (1 - mean))
        return self.objective(zero, intercept), intercept

    def alpha_max(self):
        """Smallest alpha at which all coefficients are zero, all of them penalised."""
        _, intercept = self.null()
        u = -(self.dense.T @ self.loss_slope(np.full(self.X.shape[0], intercept)))
        size = np.maximum(u, 0) if self.positive else np.abs(u)
        return (size / (self._v * self.l1_ratio)).max()

    def at(self, alpha):
        return replace(self, alpha=alpha)


def solve_by_enumeration(problem):
    """(coef, intercept) by trying every pattern of signs: exact, and slow beyond five features."""
    p = problem.X.shape[1]
    signs = (0, 1) if problem.positive else (0, 1, -1)
    best, best_value = None, np.inf
    for pattern in itertools.product(signs, repeat=p):
        pattern = np.array(pattern)
        with np.errstate(over="ignore", invalid="ignore"):  # a pattern without a minimiser
            point = newton(problem, np.flatnonzero(pattern), pattern[pattern != 0])
        if point is None:
            continue
        coef, intercept = point
        if (coef * pattern < 0).any():
            continue
        value = problem.objective(coef, intercept)
        if value < best_value:
            best, best_value = point, value
    assert best is not None
    return best


def newton(problem, support, signs):
    """Minimiser over the support of the loss plus the penalty with its signs held, or None."""
    X, intercept = problem.dense, problem.fit_intercept
    A = np.column_stack([X[:, support], np.ones(len(X))]) if intercept else X[:, support]
    l1, l2 = problem.l1[support] * signs, problem.l2[support]
    if intercept:
        l1, l2 = np.append(l1, 0.0), np.append(l2, 0.0)
    x = np.zeros(A.shape[1])
    if intercept:
        x[-1] = problem.null()[1]

    def value(x):
        return problem.loss_value(A @ x) + l1 @ x + l2 @ x**2 / 2

    for _ in range(100):
        scores = A @ x
        gradient = A.T @ problem.loss_slope(scores) + l1 + l2 * x
        hessian = A.T @ (problem.loss_curvature(scores)[:, None] * A) + np.diag(l2)
        step = -np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        if not np.isfinite(step).all():
            return None
        length = 1.0
        while value(x + length * step) > value(x) + 1e-15 and length > 1e-10:
            length /= 2
        x = x + length * step
        if np.abs(step).max(initial=0) <= 1e-15 * max(1, np.abs(x).max(initial=0)):
            break
    coef = np.zeros(X.shape[1])
    coef[support] = x[: len(support)]
    return coef, (x[-1] if intercept else 0.0)
