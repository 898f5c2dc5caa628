"""scikit-learn's LabelPropagation on a given sparse graph."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from bench.graphs import Problem, Solution
from bench.peers.base import Peer, needs


class Data(NamedTuple):
    rows: np.ndarray
    y: np.ndarray
    W: Any


def prepare(problem: Problem, n_threads: int) -> Data:
    return Data(np.zeros((len(problem.y), 1)), problem.y, problem.W)


def solve(data: Data, tol: float) -> Solution:
    from sklearn.semi_supervised import LabelPropagation

    # Its graph of a precomputed matrix is what a kernel returns, copied: fit scales it in place.
    model = LabelPropagation(kernel=lambda X, Y: data.W.copy(), max_iter=1_000_000, tol=tol)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Solution(model.fit(data.rows, data.y).label_distributions_)


PEERS = [
    Peer(
        "sklearn-propagation",
        lambda problem: isinstance(problem, Problem),
        prepare,
        solve,
        needs("sklearn"),
    )
]
