"""Convex programs of two-layer ReLU networks for a given list of activation patterns.

With d features (the last a constant), patterns D_b and a sign s_b = -1, +1 for each::

    minimise over v_b   |sum_b s_b D_b X v_b - y|^2 / (2 n)  +  alpha sum_b |v_b|
    subject to          (2 D_b - I) X v_b >= 0

The patterns are those of random hyperplanes, as in the paper (Bai, Gautam, Sojoudi 2023).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bench import base
from bench.base import Entry, Ladder, Verdict


class Solution(NamedTuple):
    """``v`` is (d, 2P): column 2p has pattern p and sign +1, column 2p + 1 sign -1."""

    v: Any
    seconds: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Problem(base.Problem):
    """One program; ``active`` is n x P of zeros and ones, ``generators`` a point of each cone."""

    targets = (1e-3, 1e-6)
    ladder = Ladder(start=1e-2, stop=1e-10)

    name: str
    X: np.ndarray
    y: np.ndarray
    active: np.ndarray
    generators: np.ndarray
    alpha: float

    @property
    def signs(self) -> np.ndarray:
        return np.tile([1.0, -1.0], self.active.shape[1])

    def judge(self) -> Callable[[Solution], Verdict]:
        return functools.partial(judge, self, reference(self))

    def small(self) -> Problem:
        X = np.random.default_rng(0).standard_normal((30, 4))
        return sampled(f"small-{self.name}", X, np.abs(X[:, 0]), 5)


# ------------------------------------------------------------------------------------ the judge


def judge(problem: Problem, optimum: float, found: Solution) -> Verdict:
    """The larger of the objective's excess over the optimum, relative to it, and of the violation
    of the cones: the blocks' worst ``-(2 D - I) x . v / |x|``, as a share of the blocks' norms.
    """
    v = np.asarray(found.v, dtype=np.float64)
    products = problem.X @ v
    active = np.repeat(problem.active, 2, axis=1)
    residual = (active * products) @ problem.signs - problem.y
    sizes = np.linalg.norm(v, axis=0)
    objective = residual @ residual / (2 * len(problem.y)) + problem.alpha * sizes.sum()
    inward = np.where(active == 1, products, -products)
    inward /= np.maximum(np.linalg.norm(problem.X, axis=1), 1e-300)[:, None]
    violation = np.maximum(0.0, -inward.min(axis=0)).sum() / max(sizes.sum(), 1e-300)
    excess = abs(objective - optimum) / optimum
    largest = max(sizes.max(), 1e-300)
    support = int(np.count_nonzero(sizes > 1e-6 * largest))
    return Verdict(float(max(excess, violation)), support)


@functools.cache
def reference(problem: Problem) -> float:
    """The optimal value to 1e-9, by Cycloid's interior point; the tests compare it with CVXPY."""
    from bench.peers import cycloid

    found = cycloid.network(problem, 1, "interior_point", 1e-9)
    return float(found["objective"])


# ---------------------------------------------------------------------------------- generators


def sampled(name: str, X: np.ndarray, y: np.ndarray, count: int) -> Problem:
    """``count`` distinct patterns of Gaussian hyperplanes; alpha is 1 / n."""
    rng = np.random.default_rng(0)
    X = np.asfortranarray(np.column_stack([X, np.ones(len(X))]))
    found: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
    while len(found) < count:
        a = rng.standard_normal(X.shape[1])
        active = (X @ a >= 0).astype(np.uint8)
        if active.any():
            found.setdefault(active.tobytes(), (active, a / np.linalg.norm(a)))
    active, generators = (
        np.asfortranarray(np.transpose(part)) for part in zip(*found.values(), strict=True)
    )
    return Problem(name, X, y, active, generators, 1.0 / len(X))


def standardized(X: np.ndarray) -> np.ndarray:
    X = X[:, X.std(axis=0) > 0]
    return (X - X.mean(axis=0)) / X.std(axis=0)


def shuffled(X: np.ndarray, y: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.random.default_rng(0).permutation(len(X))[:n]
    return X[rows], y[rows]


def diabetes(name: str) -> Problem:
    from sklearn.datasets import load_diabetes

    X, y = shuffled(*load_diabetes(return_X_y=True), 353)
    return sampled(name, standardized(X), standardized(y[:, None])[:, 0], 100)


def breast_cancer(name: str) -> Problem:
    from sklearn.datasets import load_breast_cancer

    X, y = shuffled(*load_breast_cancer(return_X_y=True), 455)
    return sampled(name, standardized(X), 2.0 * y - 1.0, 50)


def digits(name: str) -> Problem:
    """8 against the rest."""
    from sklearn.datasets import load_digits

    X, y = shuffled(*load_digits(return_X_y=True), 1437)
    return sampled(name, standardized(X), np.where(y == 8, 1.0, -1.0), 50)


def planted(name: str, n: int, d: int, neurons: int, noise: float, count: int) -> Problem:
    """Targets of a random network."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((n, d))
    hidden = np.maximum(X @ rng.standard_normal((d, neurons)) / np.sqrt(d), 0)
    y = hidden @ rng.standard_normal(neurons) + noise * rng.standard_normal(n)
    return sampled(name, X, standardized(y[:, None])[:, 0], count)


def _registry() -> dict[str, Entry]:
    builders: dict[str, Callable[[str], Problem]] = {
        "relu-diabetes-100": diabetes,
        "relu-breast_cancer-50": breast_cancer,
        "relu-digits8-50": digits,
        "relu-synthetic-50": lambda name: planted(name, 1000, 50, 10, 0.1, 50),
        "relu-housing-100": lambda name: planted(name, 1600, 8, 6, 0.3, 100),
    }
    return {
        name: Entry(Problem, functools.partial(build, name)) for name, build in builders.items()
    }


PROBLEMS = _registry()
