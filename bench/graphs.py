"""Harmonic functions on graphs: label propagation with some nodes held at their labels.

With weights w_ij of the edges and labels y of some nodes, solve for all others::

    sum_j w_ij (f_i - f_j) = 0,   f = y at the labelled nodes

one column a class. Nodes that no path joins to a labelled one are not part of the problem.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from bench import base
from bench.base import Entry, Ladder, Unavailable, Verdict, data_folder


class Solution(NamedTuple):
    """``f`` has a row for each node."""

    f: Any
    seconds: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Problem(base.Problem):
    """``W`` is a CSR adjacency matrix, ``y`` the class of each node, -1 where there is none."""

    targets = (1e-6, 1e-10)
    ladder = Ladder(start=1e-2, stop=1e-14)

    name: str
    W: sparse.csr_array
    y: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """A row of zeros and a one for each labelled node, of zeros for the others."""
        return (self.y[:, None] == np.arange(self.y.max() + 1)).astype(float)

    def system(self) -> tuple[np.ndarray, sparse.csr_array, np.ndarray]:
        """(unknown nodes, A, b) of A f = b."""
        free, held = np.flatnonzero(self.y < 0), np.flatnonzero(self.y >= 0)
        rows = self.W[free]
        A = sparse.diags_array(rows.sum(axis=1)) - rows[:, free]
        return free, A.tocsr(), rows[:, held] @ self.labels[held]

    def judge(self) -> Callable[[Solution], Verdict]:
        return functools.partial(judge, self, reference(self))

    def small(self) -> Problem:
        return moons(f"small-{self.name}", 60, 6)


def judge(problem: Problem, exact: np.ndarray, found: Solution) -> Verdict:
    """The largest error of a value; all lie between 0 and 1."""
    f = np.asarray(found.f, dtype=np.float64)
    error = np.abs(f - exact).max() if f.shape == exact.shape else np.inf
    return Verdict(float(error), int((problem.y < 0).sum()))


@functools.cache
def reference(problem: Problem) -> np.ndarray:
    """A sparse factorization by SciPy, refined twice."""
    free, A, b = problem.system()
    factor = splu(A.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    x = factor.solve(b)
    for _ in range(2):
        x += factor.solve(b - A @ x)
    f = problem.labels
    f[free] = x
    return f


# ---------------------------------------------------------------------------------- generators


def connected(name: str, W: Any, y: np.ndarray) -> Problem:
    """Only the components that have a label."""
    _, component = sparse.csgraph.connected_components(W)
    kept = np.flatnonzero(np.isin(component, component[y >= 0]))
    return Problem(name, sparse.csr_array(W[kept][:, kept].astype(float)), y[kept])


def real(name: str) -> Problem:
    """Citations with the labels of the Planetoid split; roads with 1 in 20 nodes labelled."""
    path = data_folder() / "graphs" / f"{name.removeprefix('graph-')}.npz"
    if not path.is_file():
        raise Unavailable(f"no {path.name} in CYCLOID_DATA ({data_folder()})")
    data = np.load(path)
    parts = (data["data"], data["indices"], data["indptr"])
    W = sparse.csr_array(parts, shape=tuple(data["shape"]))
    if "is_train" in data:
        return connected(name, W, np.where(data["is_train"], data["y"], -1))
    rng = np.random.default_rng(0)
    y = np.full(W.shape[0], -1)
    labelled = rng.choice(len(y), len(y) // 20, replace=False)
    y[labelled] = rng.integers(0, 7, len(labelled))
    return connected(name, W, y)


def moons(name: str, n: int, labelled: int) -> Problem:
    """The 5 nearest neighbours, either way, of points of two moons."""
    from sklearn.datasets import make_moons
    from sklearn.neighbors import kneighbors_graph

    X, truth = make_moons(n, noise=0.1, random_state=0)
    one_way = kneighbors_graph(X, 5)
    y = np.full(n, -1)
    kept = np.random.default_rng(0).choice(n, labelled, replace=False)
    y[kept] = truth[kept]
    return connected(name, one_way.maximum(one_way.T), y)


def lattice(name: str, side: int, labelled: int) -> Problem:
    line = sparse.diags_array([1.0, 1.0], offsets=[1, -1], shape=(side, side))
    one = sparse.eye_array(side)
    y = np.full(side * side, -1)
    rng = np.random.default_rng(0)
    y[rng.choice(len(y), labelled, replace=False)] = rng.integers(0, 2, labelled)
    return Problem(name, (sparse.kron(line, one) + sparse.kron(one, line)).tocsr(), y)


def _registry() -> dict[str, Entry]:
    builders: dict[str, Callable[[str], Problem]] = {
        "graph-cora": real,
        "graph-citeseer": real,
        "graph-minnesota_road": real,
        "graph-moons-1000": lambda name: moons(name, 1_000, 20),
        "graph-moons-10000": lambda name: moons(name, 10_000, 100),
        "graph-moons-100000": lambda name: moons(name, 100_000, 1_000),
        "graph-moons-1000000": lambda name: moons(name, 1_000_000, 10_000),
        "graph-lattice-300": lambda name: lattice(name, 300, 100),
        "graph-lattice-1000": lambda name: lattice(name, 1_000, 100),
    }
    return {
        name: Entry(Problem, functools.partial(build, name)) for name, build in builders.items()
    }


PROBLEMS = _registry()
