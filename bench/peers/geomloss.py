"""geomloss: symmetric Sinkhorn with annealing, in PyTorch.

It has no tolerance, only a number of iterations: that is what the ladder turns.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from bench.peers.base import Peer, needs
from bench.transport import Problem, Solution


class Data(NamedTuple):
    reg: float
    a: Any
    b: Any
    M: Any


def prepare(problem: Problem, n_threads: int) -> Data:
    import torch

    torch.set_num_threads(n_threads)
    return Data(problem.reg, *(torch.from_numpy(x) for x in (problem.a, problem.b, problem.M)))


def solve(data: Data, tol: float) -> Solution:
    from geomloss import ot

    iterations = round(10.0 * tol**-0.25)  # 56 at the loosest step, 56,234 at the tightest
    found = ot.solve(data.M, reg=data.reg, a=data.a, b=data.b, max_iter=iterations)
    return Solution(found.plan.numpy())


PEERS = [
    Peer(
        "geomloss",
        lambda problem: True,
        prepare,
        solve,
        needs("geomloss", "torch"),
    )
]
