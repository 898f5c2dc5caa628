"""regot: sparse Newton (SSNS) and sparse-plus-low-rank quasi-Newton (SPLR).

Its tol is the norm of the dual gradient, that is the Euclidean norm of the marginals' errors.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from bench.peers.base import Peer, needs
from bench.transport import Problem, Solution

UNLIMITED = 1_000_000


class Data(NamedTuple):
    problem: Problem
    M: np.ndarray


def prepare(problem: Problem, n_threads: int) -> Data:
    return Data(problem, np.asfortranarray(problem.M))


def solve(method: str, data: Data, tol: float) -> Solution:
    import regot

    problem = data.problem
    call = getattr(regot, f"sinkhorn_{method}")
    found = call(data.M, problem.a, problem.b, problem.reg, tol=tol, max_iter=UNLIMITED)
    return Solution(found.plan)


def _peer(method: str) -> Peer:
    return Peer(
        f"regot-{method}",
        lambda problem: True,
        prepare,
        functools.partial(solve, method),
        needs("regot"),
    )


PEERS = [_peer("ssns"), _peer("splr")]
