"""Optimal transport between histograms and point clouds."""

from cycloid.ot._divergence import SinkhornDivergence, monge_gap, sinkhorn_divergence
from cycloid.ot._gradients import divergence_gradients, point_gradients, weight_gradients
from cycloid.ot._result import TransportResult
from cycloid.ot._sinkhorn import sinkhorn, sinkhorn2
from cycloid.ot._solve import solve
from cycloid.ot._unbalanced import UnbalancedResult, solve_unbalanced
from cycloid.ot._wasserstein import WassersteinResult, wasserstein

__all__ = [
    "SinkhornDivergence",
    "TransportResult",
    "UnbalancedResult",
    "WassersteinResult",
    "divergence_gradients",
    "monge_gap",
    "point_gradients",
    "sinkhorn",
    "sinkhorn2",
    "sinkhorn_divergence",
    "solve",
    "solve_unbalanced",
    "wasserstein",
    "weight_gradients",
]
