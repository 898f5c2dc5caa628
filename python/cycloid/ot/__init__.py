"""Entropic optimal transport, to machine precision and at every regularization.

`solve` returns a `TransportResult`: potentials, values, a duality gap, and the plan on demand.
"""

from cycloid._result import Status
from cycloid.ot._result import TransportResult
from cycloid.ot._solve import solve

__all__ = ["Status", "TransportResult", "solve"]
