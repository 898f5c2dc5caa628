"""POT: Sinkhorn's scaling in three forms, and the exact linear program.

Its stopThr is the Euclidean norm of the error of one marginal, looked at every tenth iteration.
"""

from __future__ import annotations

import functools
import warnings

from bench.peers.base import Peer, needs
from bench.transport import Problem, Solution

UNLIMITED = 100_000_000


def prepare(problem: Problem, n_threads: int) -> Problem:
    return problem


def solve(method: str, problem: Problem, tol: float) -> Solution:
    import ot

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan = ot.sinkhorn(
            problem.a,
            problem.b,
            problem.M,
            problem.reg,
            method=method,
            numItermax=UNLIMITED,
            stopThr=tol,
            warn=False,
        )
    return Solution(plan)


def solve_exact(problem: Problem, tol: float) -> Solution:
    """A vertex of the transport polytope: the limit of the plans as reg goes to zero."""
    import ot

    return Solution(ot.emd(problem.a, problem.b, problem.M, numItermax=UNLIMITED))


def _peer(name: str, method: str) -> Peer:
    return Peer(name, lambda problem: True, prepare, functools.partial(solve, method), needs("ot"))


PEERS = [
    _peer("pot", "sinkhorn"),
    _peer("pot-log", "sinkhorn_log"),
    _peer("pot-stabilized", "sinkhorn_stabilized"),
    Peer("emd", lambda problem: True, prepare, solve_exact, needs("ot"), is_limit=True),
]
