"""The ADMM for convex ReLU training as its paper has it (Bai, Gautam, Sojoudi 2023, algorithm 1),
in our own code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from bench.networks import Problem
from bench.peers import cycloid
from bench.peers.base import Peer, needs


def prepare(problem: Problem, n_threads: int) -> Callable[[float], Any]:
    return functools.partial(cycloid.solve_network, problem, n_threads, "published")


PEERS = [
    Peer(
        "published-admm",
        lambda problem: isinstance(problem, Problem),
        prepare,
        cycloid.solve,
        needs("cycloid"),
    )
]
