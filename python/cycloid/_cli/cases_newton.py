"""The constrained problems of the demonstration."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import NonlinearConstraint
from scipy.special import expit
from sklearn.datasets import load_breast_cancer, load_digits

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NewtonCase:
    """One row of the table: the arguments that `scipy.optimize.minimize` would take.

    ``solve(tol, threads)`` is Cycloid's solution where that is not `minimize` with the same
    arguments.
    """

    title: str
    data: str
    n: int
    m: int
    arguments: dict[str, Any]
    solve: Callable[[float, int], Vector] | None = None

    def violation(self, x: Vector) -> float:
        """Norm of the conditions of optimality at x, with the multipliers of least squares."""
        from scipy.sparse.linalg import splu

        constraint = self.arguments["constraints"]
        gradient, J = self.arguments["jac"](x), constraint.jac(x)
        if sparse.issparse(J):
            whole = sparse.block_array([[sparse.eye_array(self.n), J.T], [J, None]], format="csc")
            y = splu(whole).solve(np.concatenate([-gradient, np.zeros(self.m)]))[self.n :]
        else:
            y = -np.linalg.lstsq(J.T, gradient, rcond=None)[0]
        return float(np.linalg.norm(np.concatenate([gradient + J.T @ y, constraint.fun(x)])))


def demonstration() -> list[NewtonCase]:
    """Return the rows of the table."""
    cancer, digits = load_breast_cancer(), load_digits()
    return [
        _logistic("breast cancer", cancer.data, cancer.target == 1),
        _logistic("digits: 8", digits.data, digits.target == 8),
        plate("linear", 32),
        plate("linear", 64),
        plate("radiating", 32),
        plate("radiating", 64),
    ]


def _logistic(data: str, X: Vector, positive: npt.NDArray[np.bool_]) -> NewtonCase:
    """Five equations between the coefficients, whose norm is one."""
    from cycloid.linear_model import ConstrainedLogisticRegression

    X = X[:, X.std(axis=0) > 0]
    X = np.ascontiguousarray((X - X.mean(axis=0)) / X.std(axis=0))
    y = np.where(positive, 1.0, -1.0)
    n, d = X.shape
    rng = np.random.default_rng(0)
    A, b = rng.standard_normal((5, d)), 0.1 * rng.standard_normal(5)

    def gradient(w: Vector) -> Vector:
        slope: Vector = X.T @ (-y * expit(-y * (X @ w))) / n
        return slope

    def curvature(w: Vector) -> Vector:
        share = expit(X @ w)
        hessian: Vector = (X.T * (share * (1 - share) / n)) @ X
        return hessian

    constraint = NonlinearConstraint(
        lambda w: np.append(A @ w - b, w @ w - 1),
        0,
        0,
        jac=lambda w: np.vstack([A, 2 * w]),
        hess=lambda w, v: 2 * v[-1] * np.eye(d),
    )
    arguments = {
        "fun": lambda w: float(np.logaddexp(0, -y * (X @ w)).mean()),
        "x0": np.zeros(d),
        "jac": gradient,
        "hess": curvature,
        "constraints": constraint,
    }

    def solve(tol: float, threads: int) -> Vector:
        model = ConstrainedLogisticRegression(
            A, b, 1.0, C=np.inf, fit_intercept=False, tol=tol, random_state=0, n_threads=threads
        )
        coef: Vector = model.fit(X, y).coef_[0]
        return coef

    # At zero the sphere has no normal for SciPy to follow.
    start = np.linalg.lstsq(A, b, rcond=None)[0]
    return NewtonCase("logistic model", data, d, 6, arguments | {"x0": start}, solve)


def plate(kind: str, size: int) -> NewtonCase:
    """Heat a plate of size x size points to a ring: -Laplace u + k u^3 = heat, k = 0 or 1000."""
    kappa = 0.0 if kind == "linear" else 1e3
    h, count = 1 / (size + 1), size * size
    ones = np.ones(size - 1)
    second = sparse.diags_array([-ones, np.full(size, 2.0), -ones], offsets=(-1, 0, 1))
    identity = sparse.eye_array(size)
    stiffness = sparse.kron(second, identity) + sparse.kron(identity, second)
    across, down = np.meshgrid(*2 * [np.linspace(h, 1 - h, size)])
    target = np.exp(-(((np.hypot(across - 0.5, down - 0.5) - 0.27) / 0.06) ** 2)).ravel()
    shift = np.concatenate([target, np.zeros(count)])
    weights = np.repeat([1.0, 1e-5], count)

    def diagonal(values: Vector) -> Any:
        return sparse.diags_array(values).tocsc()

    def jacobian(x: Vector) -> Any:
        slope = stiffness + diagonal(3 * kappa * h**2 * x[:count] ** 2)
        return sparse.hstack([slope, -(h**2) * sparse.eye_array(count)], format="csc")

    constraint = NonlinearConstraint(
        lambda x: stiffness @ x[:count] + h**2 * (kappa * x[:count] ** 3 - x[count:]),
        0,
        0,
        jac=jacobian,
        hess=lambda x, v: diagonal(np.append(6 * kappa * h**2 * x[:count] * v, np.zeros(count))),
    )
    arguments = {
        "fun": lambda x: float(0.5 * weights @ (x - shift) ** 2),
        "x0": np.zeros(2 * count),
        "jac": lambda x: weights * (x - shift),
        "hess": lambda x: diagonal(weights),
        "constraints": constraint,
    }
    return NewtonCase(f"{kind} plate", f"{size} x {size}", 2 * count, count, arguments)
