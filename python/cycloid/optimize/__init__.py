"""Smooth optimization with equality constraints.

:func:`minimize` has the habits of `scipy.optimize.minimize`; :func:`sketched_newton` is the same as
a ``method`` for it. Constraints, Jacobians and Hessians may be dense, sparse or products.
"""

from cycloid._result import Status
from cycloid.optimize._minimize import minimize, sketched_newton
from cycloid.optimize._result import MinimizeResult

__all__ = ["MinimizeResult", "Status", "minimize", "sketched_newton"]
