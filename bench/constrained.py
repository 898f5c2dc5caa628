"""Smooth problems with equality constraints: finite sums, control by Poisson's equation, and the
equalities of quadratic programs.

Solved is what satisfies the conditions of optimality, so every solver is judged by one number: the
norm of the gradient of the Lagrangian and of the constraints together, with the multipliers of
least squares at the point that it returned.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.special import expit

from bench import base
from bench.base import Entry, Ladder, Unavailable, Verdict, data_folder

Matrix = Any  # dense, or csc_array


class Solution(NamedTuple):
    x: np.ndarray
    seconds: tuple[float, float] | None = None


class Problem(base.Problem):
    """Minimise objective(x) subject to constraints(x) = 0, from ``start``."""

    targets = (1e-4, 1e-8)
    ladder = Ladder(start=1e-3, stop=1e-12)

    name: str
    start: np.ndarray
    n: int
    m: int

    def objective(self, x: np.ndarray) -> float:
        raise NotImplementedError

    def gradient(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def objective_hessian(self, x: np.ndarray) -> Matrix:
        raise NotImplementedError

    def constraints(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def jacobian(self, x: np.ndarray) -> Matrix:
        raise NotImplementedError

    def constraint_hessian(self, x: np.ndarray, y: np.ndarray) -> Matrix:
        """Of ``y @ constraints``."""
        raise NotImplementedError

    def judge(self) -> Callable[[Solution], Verdict]:
        return functools.partial(judge, self)


def judge(problem: Problem, found: Solution) -> Verdict:
    x = np.asarray(found.x, dtype=np.float64)
    residual = [problem.gradient(x)]
    if problem.m:
        y = least_squares_multipliers(problem.jacobian(x), residual[0])
        residual = [residual[0] + problem.jacobian(x).T @ y, problem.constraints(x)]
    return Verdict(float(np.linalg.norm(np.concatenate(residual))), int(np.count_nonzero(x)))


def least_squares_multipliers(jacobian: Matrix, gradient: np.ndarray) -> np.ndarray:
    if not sparse.issparse(jacobian):
        return -np.linalg.lstsq(jacobian.T, gradient, rcond=None)[0]
    m, n = jacobian.shape
    # With a trace of regularization, for constraints that depend on each other.
    whole = sparse.block_array(
        [[sparse.eye_array(n), jacobian.T], [jacobian, -1e-14 * sparse.eye_array(m)]]
    )
    return splu(whole.tocsc()).solve(np.concatenate([-gradient, np.zeros(m)]))[n:]


# ----------------------------------------------------------------------------------- finite sums


class FiniteSum(Problem):
    """Mean logistic loss of labels -1, +1 plus ridge / 2 |w|^2, subject to A w = b and, with a
    ``norm``, |w|^2 = norm^2. The start is that of the paper: ones."""

    def __init__(
        self,
        name: str,
        X: Matrix,
        y: np.ndarray,
        A: np.ndarray,
        b: np.ndarray,
        norm: float | None,
        ridge: float = 0.0,
    ) -> None:
        self.name, self.X, self.y, self.A, self.b = name, X, y, A, b
        self.norm, self.ridge = norm, ridge
        self.n = X.shape[1]
        self.m = len(b) + (norm is not None)
        self.start = np.ones(self.n) if self.m else np.zeros(self.n)

    def objective(self, x: np.ndarray) -> float:
        return float(np.logaddexp(0, -self.y * (self.X @ x)).mean() + self.ridge / 2 * x @ x)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        slopes = -self.y * expit(-self.y * (self.X @ x)) / len(self.y)
        return self.X.T @ slopes + self.ridge * x

    def curvatures(self, x: np.ndarray) -> np.ndarray:
        share = expit(self.X @ x)
        return share * (1 - share) / len(self.y)

    def objective_hessian(self, x: np.ndarray) -> Matrix:
        scaled = (
            self.X.multiply(self.curvatures(x)[:, None])
            if sparse.issparse(self.X)
            else (self.X * self.curvatures(x)[:, None])
        )
        product = self.X.T @ scaled
        dense = product.toarray() if sparse.issparse(product) else product
        return dense + self.ridge * np.eye(self.n)

    def constraints(self, x: np.ndarray) -> np.ndarray:
        linear = self.A @ x - self.b
        return linear if self.norm is None else np.append(linear, x @ x - self.norm**2)

    def jacobian(self, x: np.ndarray) -> Matrix:
        return self.A if self.norm is None else np.vstack([self.A, 2 * x])

    def constraint_hessian(self, x: np.ndarray, y: np.ndarray) -> Matrix:
        return np.diag(np.full(self.n, 0.0 if self.norm is None else 2 * y[-1]))

    def small(self) -> Self:
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((60, 8)), np.sign(rng.standard_normal(60))
        count = min(2, len(self.b))
        A, b = rng.standard_normal((count, 8)), 0.1 * rng.standard_normal(count)
        return type(self)(f"small-{self.name}", X, y, A, b, self.norm, self.ridge)


def ten_rows(name: str, X: Matrix, y: np.ndarray) -> FiniteSum:
    """The experiments of the paper: ten Gaussian equations and |w| = 1."""
    rng = np.random.default_rng(1)
    A, b = rng.standard_normal((10, X.shape[1])), rng.standard_normal(10)
    return FiniteSum(name, X, y, A, b, 1.0)


def synthetic(name: str, n: int, d: int) -> FiniteSum:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    y = np.where(X @ rng.standard_normal(d) / np.sqrt(d) + rng.logistic(size=n) > 0, 1.0, -1.0)
    return ten_rows(name, X, y)


def ill_conditioned(n: int, d: int, condition: float, rng: np.random.Generator) -> tuple[Any, Any]:
    """Correlated features whose scales span ``condition``, and labels of a logistic model."""
    mix = np.linalg.qr(rng.standard_normal((d, d)))[0]
    X = (rng.standard_normal((n, d)) * np.geomspace(1, 1 / condition, d)) @ mix
    X *= np.sqrt(d) / np.linalg.norm(X[:1000], axis=1).mean()
    signal = X @ rng.standard_normal(d)
    return X, np.where(signal / signal.std() + rng.logistic(size=n) > 0, 1.0, -1.0)


def equations_alone(name: str, n: int, d: int) -> FiniteSum:
    """Ill-conditioned, with linear constraints only, so convex."""
    rng = np.random.default_rng(2)
    X, y = ill_conditioned(n, d, 1e3, rng)
    A = rng.standard_normal((10, d))
    return FiniteSum(name, X, y, A, 0.1 * rng.standard_normal(10), None, 1e-6)


def ridge(name: str, n: int, d: int) -> FiniteSum:
    """Ill-conditioned, without constraints."""
    X, y = ill_conditioned(n, d, 1e3, np.random.default_rng(3))
    return FiniteSum(name, X, y, np.zeros((0, d)), np.zeros(0), None, 1e-6)


def real(name: str, data: str) -> FiniteSum:
    path = data_folder() / "binary" / f"{data}.npz"
    if not path.exists():
        raise Unavailable(f"no {path}; CYCLOID_DATA names another folder")
    file = np.load(path)
    if "X" in file:
        X = np.ascontiguousarray(file["X"], dtype=np.float64)
    else:
        parts = (file["data"].astype(np.float64), file["indices"], file["indptr"])
        X = sparse.csr_array(parts, shape=file["shape"])
        if X.nnz > 0.3 * X.shape[0] * X.shape[1]:
            X = X.toarray()
    y = file["y"]
    return ten_rows(name, X, np.where(y == y.max(), 1.0, -1.0))


# -------------------------------------------------------------------------------------- control


class Control(Problem):
    """Control by Poisson's equation on N x N inner points of a square of side 2, as in the paper:

    minimise |w - target|^2 / 2 + 0.05 |z|^2 subject to Laplacian(w) - cube w^3 + z = 0.
    """

    def __init__(self, name: str, size: int, cube: float = 0.0) -> None:
        self.name, self.size, self.cube = name, size, cube
        h = 2 / (size + 1)
        ones = np.ones(size - 1)
        second = sparse.diags_array([ones, np.full(size, -2.0), ones], offsets=(-1, 0, 1))
        identity = sparse.eye_array(size)
        self.laplacian = (
            (sparse.kron(second, identity) + sparse.kron(identity, second)) / h**2
        ).tocsc()
        steps = 0.1 / np.sqrt(15) * (np.arange(1, size + 1) - (size + 1) / 2)
        self.target = np.add.outer(np.sin(4 + steps), np.cos(3 + steps)).ravel()
        self.m = size * size
        self.n = 2 * self.m
        self.weights = np.repeat([1.0, 0.1], self.m)
        self._hessian = sparse.diags_array(self.weights).tocsc()
        self.start = np.ones(self.n)

    def objective(self, x: np.ndarray) -> float:
        return float(0.5 * self.weights @ self._difference(x) ** 2)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        return self.weights * self._difference(x)

    def objective_hessian(self, x: np.ndarray) -> Matrix:
        return self._hessian

    def constraints(self, x: np.ndarray) -> np.ndarray:
        w, z = np.split(x, 2)
        return self.laplacian @ w - self.cube * w**3 + z

    def jacobian(self, x: np.ndarray) -> Matrix:
        slope = self.laplacian - sparse.diags_array(3 * self.cube * x[: self.m] ** 2)
        return sparse.hstack([slope, sparse.eye_array(self.m)], format="csc")

    def constraint_hessian(self, x: np.ndarray, y: np.ndarray) -> Matrix:
        bend = -6 * self.cube * x[: self.m] * y
        return sparse.diags_array(np.concatenate([bend, np.zeros(self.m)])).tocsc()

    def small(self) -> Self:
        return type(self)(f"small-{self.name}", 4, self.cube)

    def _difference(self, x: np.ndarray) -> np.ndarray:
        return x - np.concatenate([self.target, np.zeros(self.m)])


class Quadratic(Problem):
    """x'P x / 2 + q'x subject to the rows of a quadratic program that are equalities. Directions
    that nothing bounds below are held by a trace of ridge."""

    def __init__(self, name: str, P: Matrix, q: np.ndarray, A: Matrix, b: np.ndarray) -> None:
        self.name, self.q, self.A, self.b = name, q, sparse.csc_array(A), b
        self.n, self.m = len(q), len(b)
        self.P = sparse.csc_array(P + 1e-3 * sparse.eye_array(self.n))
        self.start = np.zeros(self.n)

    def objective(self, x: np.ndarray) -> float:
        return float(x @ (self.P @ x) / 2 + self.q @ x)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        return self.P @ x + self.q

    def objective_hessian(self, x: np.ndarray) -> Matrix:
        return self.P

    def constraints(self, x: np.ndarray) -> np.ndarray:
        return self.A @ x - self.b

    def jacobian(self, x: np.ndarray) -> Matrix:
        return self.A

    def constraint_hessian(self, x: np.ndarray, y: np.ndarray) -> Matrix:
        return sparse.csc_array((self.n, self.n))

    def small(self) -> Self:
        A = np.array([[1.0, 2.0, 3.0]])
        return type(self)(f"small-{self.name}", sparse.eye_array(3), np.ones(3), A, np.ones(1))


def quadratic(name: str, data: str) -> Quadratic:
    path = data_folder() / "qp" / f"{data}.npz"
    if not path.exists():
        raise Unavailable(f"no {path}; CYCLOID_DATA names another folder")
    file = np.load(path)
    P, A = (
        sparse.csc_array(tuple(file[f"{k}_{part}"] for part in ("data", "indices", "indptr")),
                         shape=tuple(file[f"{k}_shape"]))
        for k in "PA"
    )  # fmt: skip
    equal = file["l"] == file["u"]
    return Quadratic(name, P, file["q"], A.tocsr()[equal], file["l"][equal])


DATA = ("a9a", "w8a", "phishing", "mushrooms", "splice", "ionosphere", "sonar")
PROGRAMS = ("cvxqp1_s", "cvxqp2_m", "cvxqp3_m", "cont_050", "aug3dqp", "dual1", "hues_mod", "laser")


def _registry() -> dict[str, Entry]:
    sums: dict[str, Callable[[str], Problem]] = {}
    for n, d in ((10_000, 50), (10_000, 200), (10_000, 500), (10_000, 1000), (10_000, 2000),
                 (50_000, 200), (50_000, 500)):  # fmt: skip
        sums[f"sum-{n}-{d}"] = lambda name, n=n, d=d: synthetic(name, n, d)
    for data in DATA:
        sums[f"sum-{data}"] = lambda name, data=data: real(name, data)
    for d in (500, 1000):
        sums[f"sum-ill-50000-{d}"] = lambda name, d=d: equations_alone(name, 50_000, d)
    sums["sum-ridge-200000-500"] = lambda name: ridge(name, 200_000, 500)
    entries = {name: Entry(FiniteSum, functools.partial(b, name)) for name, b in sums.items()}
    for size in (10, 16, 32, 64, 128, 256):
        name = f"control-{size}"
        entries[name] = Entry(Control, functools.partial(Control, name, size))
    for size in (32, 64, 128):
        name = f"control-cubic-{size}"
        entries[name] = Entry(Control, functools.partial(Control, name, size, 1.0))
    for data in PROGRAMS:
        name = f"equal-{data}"
        entries[name] = Entry(Quadratic, functools.partial(quadratic, name, data))
    return entries


PROBLEMS = _registry()
