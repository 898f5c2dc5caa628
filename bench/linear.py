"""Linear models: three generated designs, one collinear set, and real data.

Every problem is an instance of the mean form without intercept::

    minimise over b  (1/n) sum_i loss(y_i, x_i . b) + alpha (l1_ratio |b|_1 + (1-l1_ratio)/2 |b|^2)

with ``loss`` either "squared", (y - z)^2 / 2, or "logistic", log(1 + exp(-y z)) with y in {-1, +1}.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from bench import base
from bench.base import Entry, Ladder, Unavailable, Verdict, data_folder

SIGNAL_TO_NOISE = 3.0


@dataclass(frozen=True, eq=False)
class Problem(base.Problem):
    """One problem; ``alphas`` has one value, or the decreasing values of a path."""

    targets = (1e-6, 1e-10)
    ladder = Ladder()

    name: str
    X: np.ndarray | sparse.csc_matrix
    y: np.ndarray
    loss: str
    alphas: np.ndarray
    l1_ratio: float = 1.0

    @property
    def is_path(self) -> bool:
        return len(self.alphas) > 1

    @property
    def is_sparse(self) -> bool:
        return sparse.issparse(self.X)

    @property
    def alpha(self) -> float:
        if self.is_path:
            raise ValueError(f"{self.name} is a path: it has no single alpha")
        return float(self.alphas[0])

    @property
    def cost(self) -> float:
        """scikit-learn's and LIBLINEAR's constant: a sum of losses, weighted by C."""
        return 1.0 / (self.alpha * len(self.y))

    def judge(self) -> Callable[[Any], Verdict]:
        """(P - best dual) / P(0), for a path the worst of its values."""
        from bench import objective, reference  # which know this module

        duals = reference.dual_values(self)

        def verdict(solution) -> Verdict:
            found = objective.certify_path(self, solution.coef, solution.intercept)
            return Verdict(objective.worst_accuracy(found, duals), found[-1].support)

        return verdict

    def small(self, n: int = 60, p: int = 40) -> Problem:
        """The same loss, penalty, layout and kind of path."""
        rng = np.random.default_rng(0)
        X = autoregressive(n, p, 0.5, rng)
        if self.is_sparse:
            X = sparse.csc_matrix(np.where(rng.random((n, p)) < 0.3, X, 0.0))
            X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
        data = linear_model(X, 5, rng)
        y = data.labels if self.loss == "logistic" else data.target
        largest = alpha_max(X, y, self.loss, max(self.l1_ratio, 0.1))
        alphas = largest * np.geomspace(0.5, 0.1, 3 if self.is_path else 1)
        return replace(self, name=f"small-{self.name}", X=X, y=y, alphas=alphas)


@dataclass(frozen=True, eq=False)
class Design:
    """Data before a loss and a penalty are chosen; ``labels`` are -1 and +1."""

    X: np.ndarray | sparse.csc_matrix
    target: np.ndarray | None = None
    labels: np.ndarray | None = None


# ---------------------------------------------------------------------------------- generators


def autoregressive(n: int, p: int, rho: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian rows with covariance rho^|j-k|, unit variances, column-major."""
    X = np.empty((n, p), order="F")
    X[:, 0] = rng.standard_normal(n)
    fresh = np.sqrt(1.0 - rho * rho)
    for j in range(1, p):
        X[:, j] = rho * X[:, j - 1] + fresh * rng.standard_normal(n)
    return X


def random_sparse(n: int, p: int, density: float, rng: np.random.Generator) -> sparse.csc_matrix:
    """Standard normal values at uniform places (int32 indices, sorted, no duplicates)."""
    places = np.unique(rng.integers(0, n * p, size=round(n * p * density)))
    columns, rows = np.divmod(places, n)
    indptr = np.zeros(p + 1, dtype=np.int32)
    np.cumsum(np.bincount(columns, minlength=p), out=indptr[1:])
    values = rng.standard_normal(len(places))
    return sparse.csc_matrix((values, rows.astype(np.int32), indptr), shape=(n, p))


def linear_model(X, n_nonzero: int, rng: np.random.Generator) -> Design:
    """A sparse linear model seen through noise; the labels are the signs of the same target."""
    n, p = X.shape
    coef = np.zeros(p)
    coef[rng.choice(p, n_nonzero, replace=False)] = rng.standard_normal(n_nonzero)
    signal = X @ coef
    noise = rng.standard_normal(n)
    noise *= np.linalg.norm(signal) / (SIGNAL_TO_NOISE * np.linalg.norm(noise))
    target = signal + noise
    return Design(X, target, np.where(target > 0.0, 1.0, -1.0))


def dense_wide(n: int = 2_000, p: int = 20_000) -> Design:
    rng = np.random.default_rng(20_001)
    return linear_model(autoregressive(n, p, 0.6, rng), p // 100, rng)


def sparse_wide(n: int = 20_000, p: int = 100_000, density: float = 1e-3) -> Design:
    rng = np.random.default_rng(20_002)
    return linear_model(random_sparse(n, p, density, rng), p // 200, rng)


def dense_tall(n: int = 100_000, p: int = 200) -> Design:
    rng = np.random.default_rng(20_003)
    return linear_model(autoregressive(n, p, 0.9, rng), p // 4, rng)


def diabetes_interactions() -> Design:
    """All monomials up to degree 3 of the diabetes features: exactly collinear (sex is binary)."""
    from sklearn.datasets import load_diabetes
    from sklearn.preprocessing import PolynomialFeatures

    X, y = load_diabetes(return_X_y=True)
    X = PolynomialFeatures(degree=3, include_bias=False).fit_transform(X)
    return Design(standardize(X), y - y.mean())


def standardize(X: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and variance 1 (constant columns become 0), column-major."""
    X = X - X.mean(axis=0)
    scale = X.std(axis=0)
    return np.asfortranarray(X / np.where(scale > 0.0, scale, 1.0))


# ----------------------------------------------------------------------------------- real data


def read_npz(relative: str) -> tuple[np.ndarray | sparse.csc_matrix, np.ndarray]:
    path = data_folder() / relative
    if not path.is_file():
        raise Unavailable(f"{relative} is not in the data folder (set CYCLOID_DATA)")
    with np.load(path) as stored:
        y = stored["y"]
        if "X" in stored:
            return stored["X"].astype(float), y
        parts = (stored["data"].astype(float), stored["indices"], stored["indptr"])
        X = sparse.csr_matrix(parts, shape=tuple(stored["shape"])).tocsc()
    X.sort_indices()
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X, y


def leukemia() -> Design:
    X, labels = read_npz("highdim/leukemia_golub.npz")
    return Design(standardize(X), labels - labels.mean(), labels)


def riboflavin() -> Design:
    X, y = read_npz("highdim/riboflavin.npz")
    return Design(standardize(X), y - y.mean())


def two_classes(relative: str) -> Design:
    """Sparse two-class data as they are; the labels also serve as a regression target."""
    X, labels = read_npz(relative)
    return Design(X, labels, labels)


def one_vs_rest(relative: str) -> Design:
    """The most frequent class against all others (ties: the smallest label)."""
    X, classes = read_npz(relative)
    frequent = np.argmax(np.bincount(classes))
    labels = np.where(classes == frequent, 1.0, -1.0)
    return Design(X, labels, labels)


DESIGNS: dict[str, Callable[[], Design]] = {
    "D1": dense_wide,
    "S1": sparse_wide,
    "T1": dense_tall,
    "diab3": diabetes_interactions,
    "leukemia": leukemia,
    "riboflavin": riboflavin,
    "news20": functools.partial(two_classes, "text/news20_rec_sci.npz"),
    "sector": functools.partial(one_vs_rest, "text/sector_train.npz"),
    "reuters": functools.partial(one_vs_rest, "text/reuters_r8.npz"),
    "a9a": functools.partial(two_classes, "binary/a9a.npz"),
    "phishing": functools.partial(two_classes, "binary/phishing.npz"),
}


@functools.lru_cache(maxsize=1)  # one design at a time: D1 alone takes 320 MB
def design(name: str) -> Design:
    return DESIGNS[name]()


# ------------------------------------------------------------------------------------ problems


def alpha_max(X, y: np.ndarray, loss: str, l1_ratio: float) -> float:
    """The smallest alpha whose solution is zero."""
    slope = 0.5 if loss == "logistic" else 1.0  # |derivative of the loss| at 0, relative to |y|
    return slope * float(np.abs(X.T @ y).max()) / (len(y) * l1_ratio)


def single(name: str, data: str, loss: str, divisor: float, l1_ratio: float = 1.0) -> Problem:
    chosen = design(data)
    y = chosen.labels if loss == "logistic" else chosen.target
    alpha = alpha_max(chosen.X, y, loss, l1_ratio) / divisor
    return Problem(name, chosen.X, y, loss, np.array([alpha]), l1_ratio)


def path(name: str, data: str, eps: float, n_alphas: int = 100) -> Problem:
    """A Lasso path: n_alphas values, geometric, from alpha_max down to eps * alpha_max."""
    chosen = design(data)
    largest = alpha_max(chosen.X, chosen.target, "squared", 1.0)
    alphas = largest * np.geomspace(1.0, eps, n_alphas)
    return Problem(name, chosen.X, chosen.target, "squared", alphas)


def ridge_logistic(name: str, data: str) -> Problem:
    """C = 1: alpha = 1 / n."""
    chosen = design(data)
    return Problem(
        name,
        chosen.X,
        chosen.labels,
        "logistic",
        np.array([1.0 / len(chosen.labels)]),
        l1_ratio=0.0,
    )


def _registry() -> dict[str, Entry]:
    problems: dict[str, Entry] = {}

    def add(name: str, build: Callable[..., Problem], *args) -> None:
        problems[name] = Entry(Problem, functools.partial(build, name, *args))

    for data, divisor in [
        ("D1", 10),
        ("D1", 100),
        ("S1", 10),
        ("S1", 100),
        ("T1", 100),
        ("T1", 1000),
        ("diab3", 1000),
        ("leukemia", 100),
        ("riboflavin", 100),
        ("news20", 100),
    ]:
        add(f"lasso-{data}-{divisor}", single, data, "squared", divisor)
    for data in ("D1", "riboflavin"):
        add(f"enet-{data}-100", single, data, "squared", 100, 0.5)
    add("path-S1", path, "S1", 1e-2)
    add("path-T1", path, "T1", 1e-3)
    for data in ("D1", "S1", "T1", "leukemia", "news20", "sector", "reuters", "a9a", "phishing"):
        add(f"l1logistic-{data}-100", single, data, "logistic", 100)
    for data in ("S1", "T1", "news20", "a9a", "phishing"):
        add(f"l2logistic-{data}", ridge_logistic, data)
    return problems


PROBLEMS = _registry()
