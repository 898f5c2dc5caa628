"""The solvers that are compared, one adapter a rival."""

from __future__ import annotations

from bench import constrained, graphs, linear, networks, transport
from bench.base import Problem
from bench.peers import (
    adelie,
    celer,
    conic,
    cycloid,
    geomloss,
    glmnet,
    ipopt,
    liblinear,
    mdot,
    ott,
    pot,
    published,
    regot,
    scikit_learn,
    scikit_learn_graphs,
    scipy_optimize,
    scipy_sparse,
    skglm,
    smooth_logistic,
    snapml,
)
from bench.peers.base import Peer, Solution

__all__ = [
    "CONSTRAINED",
    "GRAPHS",
    "LINEAR",
    "NETWORKS",
    "OURS",
    "TRANSPORT",
    "Peer",
    "Solution",
    "all_peers",
    "peers_for",
]

OURS = "cycloid"
LINEAR = (cycloid, scikit_learn, celer, skglm, adelie, glmnet, liblinear, snapml)
TRANSPORT = (cycloid, pot, ott, geomloss, regot, mdot)
POINTS = (cycloid,)  # hours a solve for the others
NETWORKS = (cycloid, published, conic)
GRAPHS = (cycloid, scipy_sparse, scikit_learn_graphs)
CONSTRAINED = (cycloid, ipopt, scipy_optimize, smooth_logistic)
_ADAPTERS = {
    linear.Problem: LINEAR,
    transport.Problem: TRANSPORT,
    transport.Points: POINTS,
    networks.Problem: NETWORKS,
    graphs.Problem: GRAPHS,
    constrained.FiniteSum: CONSTRAINED,
    constrained.Control: CONSTRAINED,
    constrained.Quadratic: CONSTRAINED,
}


def all_peers() -> dict[str, Peer]:
    return {
        peer.name: peer
        for adapters in _ADAPTERS.values()
        for adapter in adapters
        for peer in adapter.PEERS
    }


def peers_for(problem: Problem, wanted: list[str] | None = None) -> list[Peer]:
    """Those that can solve the problem (installed or not), in the order of the table."""
    unknown = set(wanted or []) - set(all_peers())
    if unknown:
        raise KeyError(f"unknown solvers {sorted(unknown)}; known: {', '.join(all_peers())}")
    known = [peer for adapter in _ADAPTERS[type(problem)] for peer in adapter.PEERS]
    return [p for p in known if p.supports(problem) and (not wanted or p.name in wanted)]
