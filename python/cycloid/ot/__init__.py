"""Entropic optimal transport, to machine precision and at every regularization.

`solve`, and `solve_points` for point clouds, return a `TransportResult`: potentials, values, a
duality gap, and the plan on demand; `solve_batch` solves several problems with the same costs. On
top of them: POT's `sinkhorn` and `sinkhorn2`, Sinkhorn divergences and the Monge gap, the exact
cost between two bounds (`wasserstein`), unbalanced transport, barycenters, gradients of all values,
and the estimator `SinkhornTransport` for domain adaptation. `cycloid.ot.torch` and `cycloid.ot.jax`
have differentiable values.
"""

from cycloid._result import Status
from cycloid.ot._barycenter import BarycenterResult, barycenter
from cycloid.ot._batch import BatchResult, solve_batch
from cycloid.ot._divergence import SinkhornDivergence, monge_gap, sinkhorn_divergence
from cycloid.ot._gradients import divergence_gradients, point_gradients, weight_gradients
from cycloid.ot._points import solve_points
from cycloid.ot._result import TransportResult
from cycloid.ot._sinkhorn import sinkhorn, sinkhorn2
from cycloid.ot._sinkhorn_transport import SinkhornTransport
from cycloid.ot._solve import solve
from cycloid.ot._unbalanced import UnbalancedResult, solve_unbalanced
from cycloid.ot._wasserstein import WassersteinResult, wasserstein

__all__ = [
    "BarycenterResult",
    "BatchResult",
    "SinkhornDivergence",
    "SinkhornTransport",
    "Status",
    "TransportResult",
    "UnbalancedResult",
    "WassersteinResult",
    "barycenter",
    "divergence_gradients",
    "monge_gap",
    "point_gradients",
    "sinkhorn",
    "sinkhorn2",
    "sinkhorn_divergence",
    "solve",
    "solve_batch",
    "solve_points",
    "solve_unbalanced",
    "wasserstein",
    "weight_gradients",
]
