"""LIBLINEAR, through its own Python interface (not scikit-learn's copy)."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from bench.linear import Problem
from bench.peers.base import Peer, Solution, is_l1_logistic, is_l2_logistic, needs

L2_PRIMAL, L1, L2_DUAL = 0, 6, 7  # LIBLINEAR's -s


class Data(NamedTuple):
    problem: Problem
    nodes: Any


def prepare(problem: Problem, n_threads: int) -> Data:
    from liblinear.liblinear import problem as nodes

    return Data(problem, nodes(problem.y, sparse.csr_matrix(problem.X)))


def solve(kind: int, data: Data, tol: float) -> Solution:
    from liblinear.liblinearutil import train

    model = train(data.nodes, f"-q -s {kind} -c {data.problem.cost:.17g} -e {tol:.17g} -B -1")
    coef = np.array(np.ctypeslib.as_array(model.w, (data.problem.X.shape[1],)))
    return Solution(coef if model.label[0] > 0 else -coef)  # its first class is the first label


PEERS = [
    Peer("liblinear", is_l1_logistic, prepare, functools.partial(solve, L1), needs("liblinear")),
    Peer(
        "liblinear-primal",
        is_l2_logistic,
        prepare,
        functools.partial(solve, L2_PRIMAL),
        needs("liblinear"),
    ),
    Peer(
        "liblinear-dual",
        is_l2_logistic,
        prepare,
        functools.partial(solve, L2_DUAL),
        needs("liblinear"),
    ),
]
