"""OTT-JAX: Sinkhorn in the log domain and on the kernel, compiled by XLA.

Its threshold is the L1 error of one marginal. Compilation belongs to the preparation, and with it
one run: a program compiled for one tolerance serves all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.peers.base import Peer, needs
from bench.transport import Problem, Solution

UNLIMITED = 2_000_000  # it stores an error every tenth


def prepare(lse_mode: bool, problem: Problem, n_threads: int) -> Callable[[float], Any]:
    import jax
    from ott.geometry.geometry import Geometry
    from ott.problems.linear.linear_problem import LinearProblem
    from ott.solvers.linear.sinkhorn import Sinkhorn

    jax.config.update("jax_enable_x64", True)
    a, b, M = (jax.numpy.asarray(x) for x in (problem.a, problem.b, problem.M))

    @jax.jit
    def run(a, b, M, tol):
        solver = Sinkhorn(lse_mode=lse_mode, threshold=tol, max_iterations=UNLIMITED)
        found = solver(LinearProblem(Geometry(cost_matrix=M, epsilon=problem.reg), a=a, b=b))
        return found.f, found.g

    return functools.partial(run.lower(a, b, M, 1.0).compile(), a, b, M)


def solve(program: Callable[[float], Any], tol: float) -> Solution:
    f, g = program(tol)
    return Solution(f=np.asarray(f), g=np.asarray(g))


def _peer(name: str, lse_mode: bool) -> Peer:
    return Peer(
        name,
        lambda problem: True,
        functools.partial(prepare, lse_mode),
        solve,
        needs("ott", "jax"),
    )


PEERS = [_peer("ott", True), _peer("ott-kernel", False)]
