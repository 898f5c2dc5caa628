"""Entropic optimal transport: assignments, images, densities, mixtures and point clouds.

Every problem asks for the plan of histograms a and b with equal totals under costs M::

    minimise over P >= 0, P 1 = a, P' 1 = b   sum_ij P_ij M_ij + reg sum_ij P_ij log P_ij

which is P = exp((f + g' - M) / reg) with potentials f and g in the unit of M. What a solver calls
the entropy (with or without -1, relative to a b' or not) moves f and g, not P.
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bench import base
from bench.base import Entry, Ladder, Unavailable, Verdict, data_folder

BLOCK = 1 << 22  # entries of the plan that are formed at a time


class Solution(NamedTuple):
    """A dense plan, or the potentials from which it follows, as the solver returned them.

    ``seconds`` is for solvers that time themselves; none here does.
    """

    plan: Any = None
    f: Any = None
    g: Any = None
    seconds: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Transport(base.Problem):
    """What all have, whatever their costs are given by."""

    targets = (1e-6, 1e-9, 1e-12)
    ladder = Ladder(start=1e-3, stop=1e-15, is_linear=True)

    name: str
    a: np.ndarray
    b: np.ndarray
    reg: float

    @abstractmethod
    def costs(self, begin: int, end: int) -> np.ndarray:
        """The costs of some rows."""

    def judge(self) -> Callable[[Solution], Verdict]:
        return functools.partial(judge, self)


@dataclass(frozen=True, eq=False)
class Problem(Transport):
    """One problem with its costs as a matrix."""

    M: np.ndarray

    def costs(self, begin: int, end: int) -> np.ndarray:
        return self.M[begin:end]

    def small(self, n: int = 30, m: int = 20) -> Problem:
        M = np.random.default_rng(0).random((n, m))
        return Problem(f"small-{self.name}", uniform(n), uniform(m), 0.1, M)


@dataclass(frozen=True, eq=False)
class Points(Transport):
    """Squared Euclidean costs between the rows of X and Y, too many for a matrix."""

    targets = (1e-6,)
    ladder = Ladder(start=1e-6, stop=1e-9, is_linear=True)  # a solve takes minutes

    X: np.ndarray
    Y: np.ndarray

    def costs(self, begin: int, end: int) -> np.ndarray:
        return squared_distances(self.X[begin:end], self.Y)

    def small(self, n: int = 30, m: int = 20) -> Points:
        name = f"small-{self.name}"
        return Points(name, uniform(n), uniform(m), self.reg, self.X[:n], self.Y[:m])


# ------------------------------------------------------------------------------------ the judge


def judge(problem: Transport, solution: Solution) -> Verdict:
    """L1 error of both marginals of the dense plan, in double precision, as a share of the total
    mass; NaN where the plan has NaN or infinity. Support: entries above 1e-9 of the total mass
    / max(n, m).
    """
    a, b = problem.a, problem.b
    total, least = a.sum(), 1e-9 * a.sum() / max(len(a), len(b))
    rows, columns, support = np.empty(len(a)), np.zeros(len(b)), 0
    for begin, end, block in _plan(problem, solution):
        rows[begin:end] = block.sum(axis=1)
        columns += block.sum(axis=0)
        support += int(np.count_nonzero(block > least))
    error = (np.abs(rows - a).sum() + np.abs(columns - b).sum()) / total
    return Verdict(float(error) if np.isfinite(error) else float("nan"), support)


def _plan(problem: Transport, found: Solution) -> Iterator[tuple[int, int, np.ndarray]]:
    n, m = len(problem.a), len(problem.b)
    if found.plan is not None and np.shape(found.plan) != (n, m):
        raise ValueError(f"expected a plan of shape {(n, m)}, got {np.shape(found.plan)}")
    step = max(1, BLOCK // m)
    with np.errstate(over="ignore", invalid="ignore"):
        for begin in range(0, n, step):
            end = min(begin + step, n)
            if found.plan is not None:
                block = np.asarray(found.plan[begin:end], dtype=np.float64)
            else:
                f = np.asarray(found.f, dtype=np.float64)[begin:end]
                block = np.add.outer(f, np.asarray(found.g, dtype=np.float64))
                block -= problem.costs(begin, end)
                block /= problem.reg
                np.exp(block, out=block)
            yield begin, end, block


# ---------------------------------------------------------------------------------- generators


def uniform(n: int) -> np.ndarray:
    return np.full(n, 1.0 / n)


def squared_distances(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    return sum((X[:, [k]] - Y[:, k]) ** 2 for k in range(X.shape[1]))


def clouds(n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Points in the plane: two Gaussians each, with the same centres for all sizes."""
    rng = np.random.default_rng(8)
    centres = rng.random((2, 2, 2))

    def draw(size: int, places: np.ndarray) -> np.ndarray:
        return places[rng.integers(0, 2, size)] + 0.1 * rng.standard_normal((size, 2))

    return draw(n, centres[0]), draw(m, centres[1])


def density(x: np.ndarray, parts: list[tuple[float, float, float]]) -> np.ndarray:
    """Gaussians (weight, mean, width) over a floor of a tenth of their mass, total one."""
    values = sum(w * np.exp(-0.5 * ((x - mean) / width) ** 2) / width for w, mean, width in parts)
    values = values / values.sum()
    return (values + 0.1 / len(x)) / 1.1


# ------------------------------------------------------------------------------------ problems

ETA = 1_200.0  # 1 / reg of Tang et al. (ICLR 2024), with costs of largest entry one


def assignment(name: str, n: int) -> Problem:
    M = np.random.default_rng(0).random((n, n))
    return Problem(name, uniform(n), uniform(n), 1.0 / ETA, M)


def line(name: str, power: int, n: int = 500) -> Problem:
    """Two densities on [0, 1] under |x - y|^power."""
    x = np.linspace(0.0, 1.0, n)
    a = density(x, [(1.0, 0.2, 0.05)])
    b = density(x, [(0.5, 0.4, 0.1), (0.5, 0.8, 0.05)])
    return Problem(name, a, b, 1.0 / ETA, np.abs(np.subtract.outer(x, x)) ** power)


def digits(name: str, power: int, first: int = 0, second: int = 3) -> Problem:
    """Two MNIST digits, a 7 and a 0, as histograms of 784 pixels (each one grey level brighter, so
    that none is empty), under the sum of |x - y|^power over the two coordinates."""
    path = data_folder() / "images" / "mnist_t10k.npz"
    if not path.is_file():
        raise Unavailable("images/mnist_t10k.npz is not in the data folder (set CYCLOID_DATA)")
    with np.load(path) as stored:
        images = stored["X"][[first, second]] + 1.0
    a, b = images / images.sum(axis=1, keepdims=True)
    place = np.indices((28, 28)).reshape(2, -1).T
    M = sum(np.abs(np.subtract.outer(p, p)) ** power for p in place.T.astype(float))
    return Problem(name, a, b, 1.0 / ETA, M / M.max())


def gaussian_mixtures(name: str, n: int, m: int, reg: float) -> Problem:
    """``reg`` is a share of the median cost."""
    M = squared_distances(*clouds(n, m))
    return Problem(name, uniform(n), uniform(m), reg * float(np.median(M)), M)


def many_points(name: str, n: int, reg: float) -> Points:
    """``reg`` is a share of the median cost, of every 25th point."""
    try:
        from cycloid.ot import solve_points  # noqa: F401
    except ImportError as error:
        raise Unavailable("cycloid.ot.solve_points is not there") from error
    X, Y = clouds(n, n)
    median = float(np.median(squared_distances(X[::25], Y[::25])))
    return Points(name, uniform(n), uniform(n), reg * median, X, Y)


def _registry() -> dict[str, Entry]:
    problems: dict[str, Entry] = {}

    def add(name: str, build: Callable[..., base.Problem], *args, kind=Problem) -> None:
        problems[name] = Entry(kind, functools.partial(build, name, *args))

    for n in (500, 1000, 2000, 4000):
        add(f"ot-lap-{n}", assignment, n)
    add("ot-mnist-l2", digits, 2)
    add("ot-mnist-l1", digits, 1)
    for n in (1000, 2000, 4000, 8000):
        for reg in ("1e-1", "1e-2", "1e-3", "1e-4"):
            add(f"ot-gmm-{n}-{reg}", gaussian_mixtures, n, n, float(reg))
    add("ot-w2-500", line, 2)
    add("ot-w1-500", line, 1)
    add("ot-3000x500-1e-3", gaussian_mixtures, 3000, 500, 1e-3)
    add("ot-500x3000-1e-2", gaussian_mixtures, 500, 3000, 1e-2)
    for reg in ("1e-2", "1e-3"):
        add(f"ot-points-50000-{reg}", many_points, 50_000, float(reg), kind=Points)
    return problems


PROBLEMS = _registry()
