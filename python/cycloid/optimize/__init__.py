"""Smooth optimization with equality constraints.

:func:`minimize` has the habits of `scipy.optimize.minimize`; :func:`sketched_newton` is the same as
a ``method`` for it. Constraints, Jacobians and Hessians may be dense, sparse or products.
:func:`solve_positive_definite` solves sparse symmetric positive definite systems.
"""

from cycloid._result import Status
from cycloid.optimize._minimize import minimize, sketched_newton
from cycloid.optimize._positive_definite import (
    PositiveDefiniteResult,
    inverse_diagonal,
    solve_positive_definite,
)
from cycloid.optimize._result import MinimizeResult

__all__ = [
    "MinimizeResult",
    "PositiveDefiniteResult",
    "Status",
    "inverse_diagonal",
    "minimize",
    "sketched_newton",
    "solve_positive_definite",
]
