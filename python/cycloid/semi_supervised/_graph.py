"""Graphs of samples, and the graph's weights between new samples and those of the fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import check_array

from cycloid._inputs import check_finite_real, check_integer, check_option, viewable
from cycloid._result import caller_level
from cycloid.semi_supervised._harmonic import as_weights

Kernel: TypeAlias = Literal["rbf", "knn"] | Callable[[Any, Any], Any]

X_CHECKS: dict[str, Any] = {
    "accept_sparse": ("csr", "csc"),
    "accept_large_sparse": True,
    "dtype": [np.float64, np.float32],
}


class Graph:
    """The graph of the samples of one fit; `weights` is (n, n), symmetric, non-negative."""

    def __init__(
        self, X: Any, affinity: Any, kernel: Any, gamma: Any, n_neighbors: Any, n_jobs: Any
    ) -> None:
        check_option("affinity", affinity, ("kernel", "precomputed"))
        if not callable(kernel):
            check_option("kernel", kernel, ("rbf", "knn"))
        self._kernel = None if affinity == "precomputed" else kernel
        self._X = X
        self._gamma = check_finite_real("gamma", gamma)
        if self._kernel is None:
            self.weights = as_weights(X, "X")
        elif kernel == "rbf":
            self.weights = rbf_kernel(X, gamma=self._gamma).astype(np.float64, copy=False)
        elif kernel == "knn":
            count = check_integer("n_neighbors", n_neighbors, low=1)
            self._search = NearestNeighbors(n_neighbors=min(count, X.shape[0]), n_jobs=n_jobs)
            # As in scikit-learn a sample is the first of its own neighbours.
            one_way = self._search.fit(X).kneighbors_graph(X, mode="connectivity")
            self.weights = as_weights(one_way.maximum(one_way.T).tocsr(), "the graph of neighbours")
        else:
            self.weights = as_weights(_called(kernel, X, X, "kernel(X, X)"), "kernel(X, X)")

    def average(self, X: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """For each row of X the mean of `values`, weighted by its edges to the samples of the fit.

        Where X has no edge the row is NaN.
        """
        if self._kernel == "rbf":
            # Relative to the nearest sample: only ratios of weights matter, and these cannot all
            # underflow.
            squares = euclidean_distances(X, self._X, squared=True)
            weights = np.exp(-self._gamma * (squares - squares.min(axis=1, keepdims=True)))
        elif self._kernel == "knn":
            weights = self._search.kneighbors_graph(X, mode="connectivity")
        elif self._kernel is None:
            weights = X
        else:
            weights = _called(self._kernel, X, self._X, "kernel(X, samples of the fit)")
        total = np.asarray(weights.sum(axis=1), dtype=np.float64).reshape(-1, 1)
        summed = np.asarray(weights @ values, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            mean: NDArray[np.float64] = summed / np.where(total > 0, total, np.nan)
        return mean


def without_loops(W: Any) -> Any:
    """W with a diagonal of zeros, so that its row sums are exact degrees."""
    own = W.diagonal()
    if not own.any():
        return W
    if sparse.issparse(W):
        return viewable((W - sparse.diags_array(own, dtype=W.dtype)).asformat(W.format))
    W = W.copy()
    np.fill_diagonal(W, 0.0)
    return W


def warn_of_loose(who: str, loose: NDArray[np.bool_], instead: str) -> None:
    if loose.any():
        warnings.warn(
            f"{who}: no path joins {loose.sum()} of {len(loose)} samples to a labelled one; they "
            f"get {instead} among the labelled samples. Raise n_neighbors, lower gamma, or join "
            "the graph",
            UserWarning,
            stacklevel=caller_level(),
        )


def _called(kernel: Callable[[Any, Any], Any], X: Any, Y: Any, name: str) -> Any:
    weights = kernel(X, Y)
    if not sparse.issparse(weights):
        weights = check_array(weights, dtype=np.float64, input_name=name)
    if weights.shape != (X.shape[0], Y.shape[0]):
        raise ValueError(
            f"{name} must have shape {(X.shape[0], Y.shape[0])}, a weight for each pair of "
            f"samples; got {weights.shape}"
        )
    return weights
