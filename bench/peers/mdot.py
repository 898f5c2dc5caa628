"""MDOT-TNT: annealing and truncated Newton in the semi-dual, in PyTorch.

``mdot`` sets the tolerance at every temperature itself, by ``p`` and reg, and answers for slightly
smoothed marginals; from there its projector goes on with the marginals themselves to ``tol`` (an L1
error). That is cheaper than a larger ``p``, which tightens each temperature on the way. 1.5 is its
default, 1 is better where reg is very small.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any, NamedTuple

from bench.peers.base import Peer, needs
from bench.transport import Problem, Solution


class Data(NamedTuple):
    problem: Problem
    a: Any
    b: Any
    M: Any
    gamma: float


def prepare(problem: Problem, n_threads: int) -> Data:
    import torch

    torch.set_num_threads(n_threads)
    unit = float(problem.M.max())  # its annealing is made for costs up to one
    a, b, M = (torch.from_numpy(x) for x in (problem.a, problem.b, problem.M / unit))
    return Data(problem, a, b, M, unit / problem.reg)


def solve(p: float, data: Data, tol: float) -> Solution:
    import torch
    from mdot_tnt.mdot import mdot
    from mdot_tnt.truncated_newton import TruncatedNewtonProjector

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        u, v, gamma, _, _ = mdot(data.a, data.b, data.M, data.gamma, p=p)
        if abs(gamma - data.gamma) > 1e-9 * data.gamma:
            raise RuntimeError(f"mdot stopped at {1.0 / gamma:.1e} of {1.0 / data.gamma:.1e}")
        costs = data.gamma * data.M
        target = torch.tensor(tol, dtype=torch.float64)
        projector = TruncatedNewtonProjector(device=costs.device, dtype=costs.dtype)
        u, v, _, _ = projector.project(costs, data.a.log(), data.b.log(), target, u, v)
    return Solution(f=u.numpy() * data.problem.reg, g=v.numpy() * data.problem.reg)


def _peer(name: str, p: float) -> Peer:
    return Peer(
        name,
        lambda problem: True,
        prepare,
        functools.partial(solve, p),
        needs("mdot_tnt", "torch"),
    )


PEERS = [_peer("mdot-tnt", 1.5), _peer("mdot-tnt-loose", 1.0)]
