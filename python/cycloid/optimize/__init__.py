"""Smooth optimization with equality constraints, and block coordinate descent.

:func:`minimize` has the habits of `scipy.optimize.minimize`; :func:`sketched_newton` is the same as
a ``method`` for it. Constraints, Jacobians and Hessians may be dense, sparse or products.
:func:`solve_positive_definite` solves sparse symmetric positive definite systems.

:func:`block_coordinate_descent` minimises :class:`LeastSquares`, :class:`Logistic`,
:class:`Softmax` or a sparse :class:`Quadratic`, with or without an L1 penalty and bounds, by the
partition, the selection rule and the update that it is told.
"""

from cycloid._result import Status
from cycloid.optimize._block_descent import BlockDescentResult, block_coordinate_descent
from cycloid.optimize._block_problems import LeastSquares, Logistic, Quadratic, Softmax
from cycloid.optimize._minimize import minimize, sketched_newton
from cycloid.optimize._positive_definite import (
    PositiveDefiniteResult,
    inverse_diagonal,
    solve_positive_definite,
)
from cycloid.optimize._result import MinimizeResult

__all__ = [
    "BlockDescentResult",
    "LeastSquares",
    "Logistic",
    "MinimizeResult",
    "PositiveDefiniteResult",
    "Quadratic",
    "Softmax",
    "Status",
    "block_coordinate_descent",
    "inverse_diagonal",
    "minimize",
    "sketched_newton",
    "solve_positive_definite",
]
