"""The solvers that are compared, one adapter a rival."""

from __future__ import annotations

from bench.peers import adelie, celer, cycloid, glmnet, liblinear, scikit_learn, skglm, snapml
from bench.peers.base import Peer, Solution
from bench.problems import Problem

__all__ = ["OURS", "Peer", "Solution", "all_peers", "peers_for"]

OURS = "cycloid"
_ADAPTERS = (cycloid, scikit_learn, celer, skglm, adelie, glmnet, liblinear, snapml)


def all_peers() -> dict[str, Peer]:
    return {peer.name: peer for adapter in _ADAPTERS for peer in adapter.PEERS}


def peers_for(problem: Problem, wanted: list[str] | None = None) -> list[Peer]:
    """Those that can solve the problem (installed or not), in the order of the table."""
    known = all_peers()
    unknown = set(wanted or []) - set(known)
    if unknown:
        raise KeyError(f"unknown solvers {sorted(unknown)}; known: {', '.join(known)}")
    return [p for p in known.values() if p.supports(problem) and (not wanted or p.name in wanted)]
