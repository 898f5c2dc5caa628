"""Mean squared errors of paths on held-out folds, in parallel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cycloid._inputs import Vector
from cycloid._result import PathResult, print_fold
from cycloid.linear_model._groups import GroupProblem
from cycloid.linear_model._solve import Controls, solve_path

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class FoldTask:
    """One path on one fold."""

    l1_ratio: float
    alphas: Vector
    train: NDArray[np.intp]
    test: NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Fold:
    """What came of it."""

    errors: Vector
    path: PathResult


@dataclass(frozen=True, kw_only=True)
class FoldProblem:
    """The data of a cross-validation, and what is the same for all folds."""

    X: Any
    y: Vector
    weights: Vector | None

    def solve(self, weights: Vector | None, control: Controls, **path: Any) -> PathResult:
        """The path of an `l1_ratio` under other weights of the samples."""
        raise NotImplementedError

    def largest_alphas(self, l1_ratios: Sequence[float], control: Controls) -> list[float]:
        """The smallest alpha at which all penalised coefficients are zero, for each l1_ratio."""
        return [
            self.solve(self.weights, control, alphas=None, n_alphas=1, l1_ratio=ratio).alpha_max
            for ratio in l1_ratios
        ]

    def alpha_grids(
        self, l1_ratios: Sequence[float], n_alphas: int, eps: float, control: Controls
    ) -> list[Vector]:
        """A geometric grid for each l1_ratio."""
        # For a constant target every alpha gives zeros; scikit-learn's grid then is this.
        resolution = float(np.finfo(np.float64).resolution)
        return [
            np.full(n_alphas, resolution)
            if top <= resolution
            else np.geomspace(top, top * eps, num=n_alphas)
            for top in self.largest_alphas(l1_ratios, control)
        ]

    def fit_fold(self, task: FoldTask, control: Controls) -> Fold:
        """Held-out samples get weight zero rather than X a copy, so memory does not grow with the
        number of folds; a sample drawn twice counts twice."""
        n_samples = len(self.y)
        kept = None if self.weights is None else self.weights[task.train]
        weights = np.bincount(task.train, weights=kept, minlength=n_samples).astype(np.float64)
        if not weights.any():
            raise ValueError("cv leaves a fold whose training samples have no weight")
        path = self.solve(weights, control, alphas=task.alphas, l1_ratio=task.l1_ratio)
        squares = self._squares(path, task.test)
        held_out = None if self.weights is None else self.weights[task.test]
        if held_out is not None and not held_out.any():
            raise ValueError("cv leaves a fold whose test samples have no weight")
        return Fold(errors=np.average(squares, weights=held_out, axis=0), path=path)

    def _squares(self, path: PathResult, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Squared errors of some samples for each alpha."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class GroupedPathProblem(FoldProblem):
    """Models of `_groups`; `build` makes the problem of an l1_ratio."""

    build: Callable[[float], GroupProblem]
    n_outputs: int
    several: bool

    def solve(
        self, weights: Vector | None, control: Controls, *, l1_ratio: float = 1.0, **path: Any
    ) -> PathResult:
        problem = self.build(l1_ratio)
        solve = problem.solve_outputs if self.several else problem.solve
        return solve(weights, control, **path)

    def _squares(self, path: PathResult, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Mean over the outputs."""
        n_features, n_alphas = self.X.shape[1], len(path.alphas)
        coefs = path.coefs_sparse.toarray().reshape(n_features, self.n_outputs * n_alphas)
        support = np.flatnonzero(coefs.any(axis=1))
        X = self.X[rows][:, support] if sparse.issparse(self.X) else self.X[np.ix_(rows, support)]
        scores = (X @ coefs[support]).reshape(len(rows), self.n_outputs, n_alphas)
        errors = scores + path.intercepts.reshape(self.n_outputs, n_alphas)
        errors -= self.y.reshape(len(self.y), -1)[rows][:, :, np.newaxis]
        squares: NDArray[Any] = np.mean(errors**2, axis=1)
        return squares


@dataclass(frozen=True, kw_only=True)
class PathProblem(FoldProblem):
    """Least squares with elastic-net penalties."""

    penalty_weights: Vector | None
    positive: bool
    fit_intercept: bool

    def solve(self, weights: Vector | None, control: Controls, **path: Any) -> PathResult:
        return solve_path(
            self.X,
            self.y,
            weights,
            loss="squared",
            control=control,
            penalty_weights=self.penalty_weights,
            positive=self.positive,
            fit_intercept=self.fit_intercept,
            **path,
        )

    def largest_alphas(self, l1_ratios: Sequence[float], control: Controls) -> list[float]:
        top = self.solve(self.weights, control, alphas=None, n_alphas=1, l1_ratio=1.0).alpha_max
        return [top / ratio for ratio in l1_ratios]

    def _squares(self, path: PathResult, rows: NDArray[np.intp]) -> NDArray[Any]:
        if sparse.issparse(self.X):
            product = (self.X[rows] @ path.coefs_sparse).toarray()
        else:
            support = np.unique(path.coefs_sparse.indices)
            product = self.X[np.ix_(rows, support)] @ path.coefs_sparse.tocsr()[support].toarray()
        squares: NDArray[Any] = (product + path.intercepts - self.y[rows, np.newaxis]) ** 2
        return squares


def row_indices(rows: Any) -> NDArray[np.intp]:
    """Rows of a fold, which a user's iterable may give as a mask."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp)


def fit_folds(
    problem: FoldProblem, tasks: Sequence[FoldTask], control: Controls, n_workers: int
) -> list[Fold]:
    """All folds, in the order of `tasks`, each worker with its share of the threads."""
    stop = threading.Event()
    share = control.quiet(
        n_threads=max(1, control.n_threads // n_workers),
        # Ctrl-C reaches the main thread only; the solves in other threads ask this.
        callback=(lambda row: stop.is_set()) if n_workers > 1 else None,
    )
    lock = threading.Lock()
    done = 0

    def fit(task: FoldTask) -> Fold:
        nonlocal done
        fold = problem.fit_fold(task, share)
        with lock:
            done += 1
            if control.verbose:
                print_fold(done, len(tasks), task.l1_ratio, fold.path)
        return fold

    if n_workers == 1:
        return [fit(task) for task in tasks]
    return _in_threads(fit, tasks, n_workers, stop)


def _in_threads(
    work: Callable[[FoldTask], T], tasks: Sequence[FoldTask], n_workers: int, stop: threading.Event
) -> list[T]:
    with ThreadPoolExecutor(n_workers) as pool:
        futures = [pool.submit(work, task) for task in tasks]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            return [future.result() for future in futures]
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
