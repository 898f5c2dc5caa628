"""Distances between point clouds, and how far a map is from optimal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cycloid._inputs import Vector, check_finite_real, check_option
from cycloid._result import Status
from cycloid.ot._measures import COSTS, Matrix, as_marginals, as_points, cost_matrix, soft_min
from cycloid.ot._points import solve_clouds
from cycloid.ot._result import TransportResult

_STEPS = 10  # of the symmetric iteration, each a pass over the costs
_SYMMETRIC_START = 1 << 12  # points: beyond, the start from coarse to fine is as good
_BLOCK = 256  # pairs whose costs are looked up together


@dataclass(frozen=True, eq=False)
class SinkhornDivergence:
    """The Sinkhorn divergence of two measures and the three problems it is made of.

    Attributes
    ----------
    value : float
        The divergence, in the unit of the cost times the mass.
    xy, xx, yy : TransportResult
        Transport between the measures, and of each one to itself.
    """

    value: float
    xy: TransportResult = field(repr=False)
    xx: TransportResult = field(repr=False)
    yy: TransportResult = field(repr=False)

    @property
    def sharp_value(self) -> float:
        """The same combination of the transport costs <M, P>, without the entropies.

        This is what POT's `empirical_sinkhorn_divergence` returns (Genevay et al. 2018).
        """
        return self.xy.transport_cost - (self.xx.transport_cost + self.yy.transport_cost) / 2

    @property
    def status(self) -> Status:
        """CONVERGED if all three problems are, else the status of the first that is not."""
        statuses = (self.xy.status, self.xx.status, self.yy.status)
        return next((s for s in statuses if s != Status.CONVERGED), Status.CONVERGED)

    @property
    def converged(self) -> bool:
        """Whether all three problems reached the tolerance."""
        return self.status == Status.CONVERGED


def sinkhorn_divergence(
    X: ArrayLike,
    Y: ArrayLike,
    reg: float,
    a: ArrayLike | None = None,
    b: ArrayLike | None = None,
    cost: str = "sqeuclidean",
    **options: Any,
) -> SinkhornDivergence:
    r"""Sinkhorn divergence of the point clouds sum_i a_i delta(x_i) and sum_j b_j delta(y_j)::

        S = OT(a, b) - (OT(a, a) + OT(b, b)) / 2
        OT(a, b) = min_P <M, P> + reg * KL(P | a b^T),  M_ij = c(x_i, y_j)
        KL(P | Q) = sum_ij P_ij log(P_ij / Q_ij) - P_ij + Q_ij

    over the plans P >= 0 with row sums a and column sums b, and likewise for the two others with
    the costs within X and within Y. Replacing KL by sum_ij P_ij (log P_ij - 1), as in `solve`,
    gives the same S: the differences depend on the weights alone and cancel. Each OT is taken at
    its dual value, whose error is of second order in the marginal error.

    S is zero for equal measures and, for the four costs, never negative but for rounding and the
    tolerance: exp(-c/reg) is a positive definite kernel.

    Parameters
    ----------
    X : array-like of shape (n, n_dims)
        Points of the first measure.
    Y : array-like of shape (m, n_dims)
        Points of the second measure.
    reg : float
        Strength of the entropy, > 0, in the unit of the cost.
    a : array-like of shape (n,), default=None
        Masses of the points of X, non-negative; None is 1/n each.
    b : array-like of shape (m,), default=None
        Masses of the points of Y, of the same total; None is 1/m each.
    cost : {'sqeuclidean', 'euclidean', 'cityblock', 'cosine'}, default='sqeuclidean'
        Cost c: |x - y|^2, |x - y|, sum of absolute differences, 1 - cosine of the angle.
    **options
        `tol`, `max_iter`, `n_threads` and the other keywords of `solve`, for each of the problems.

    Returns
    -------
    SinkhornDivergence
        With `value` and the results `xy`, `xx`, `yy`.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, value or shape; the message names it.

    Warns
    -----
    ConvergenceWarning
        If one of the problems did not reach `tol`.

    References
    ----------
    J. Feydy, T. Sejourne, F.-X. Vialard, S. Amari, A. Trouve, G. Peyre. Interpolating between
    Optimal Transport and MMD using Sinkhorn Divergences. AISTATS 2019, Eqs. 1 and 3, Theorem 1.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.ot import sinkhorn_divergence
    >>> X = np.random.default_rng(0).standard_normal((50, 2))
    >>> shifted = sinkhorn_divergence(X, X + [3.0, 4.0], reg=0.5)
    >>> print(f"{shifted.value:.6f}")  # squared length of the shift
    25.000000
    """
    X, Y = as_points(X, Y)
    a, b = as_marginals(a, b, (len(X), len(Y)))
    reg = check_finite_real("reg", reg, open_low=True)
    check_option("cost", cost, COSTS)
    xy = solve_clouds(X, Y, a, b, reg, cost, **options)
    xx = _to_itself(a, X, reg, cost, options)
    yy = _to_itself(b, Y, reg, cost, options)
    value = xy.dual_value - (xx.dual_value + yy.dual_value) / 2
    return SinkhornDivergence(value, xy, xx, yy)


def _to_itself(
    a: Vector, X: Matrix, reg: float, cost: str, options: dict[str, Any]
) -> TransportResult:
    if "potentials_init" not in options and len(X) <= _SYMMETRIC_START:
        f = _symmetric_potential(a, cost_matrix(X, X, cost), reg)
        options = {**options, "potentials_init": (f, f)}
    return solve_clouds(X, X, a, a, reg, cost, **options)


def _symmetric_potential(a: Vector, M: Matrix, reg: float) -> Vector:
    """A potential f with f = g that nearly solves a symmetric problem.

    Each update is averaged with what was there, as in Feydy et al. 2019, Section 3.1. Near the
    solution this at least halves the error: the derivative of the update has eigenvalues in
    [-1, 0], since exp(-M/reg) is positive semidefinite. Scaling the two sides in turn squares
    them, and is slow where one is close to -1.
    """
    with np.errstate(divide="ignore"):
        log_a = np.log(a)
    # As reg -> 0 all mass stays: P_ii = exp(2 f_i / reg) = a_i. Here h = f - reg log a.
    h = -0.5 * reg * np.where(a > 0, log_a, 0.0)
    for _ in range(_STEPS):
        h = (h + soft_min(M, h, log_a, reg)) / 2
    return h + reg * log_a


def monge_gap(
    X: ArrayLike, T_X: ArrayLike, reg: float, cost: str = "sqeuclidean", **options: Any
) -> float:
    r"""Entropic Monge gap of a map T, from points and their images::

        1/n sum_i c(x_i, T(x_i)) - W,   W = min_P <M, P> + reg * sum_ij P_ij log P_ij
        M_ij = c(x_i, T(x_j))

    over the plans P >= 0 with row and column sums 1/n. The gap is at least reg * log(n); as
    reg -> 0 it is the excess cost of T over the best assignment of the points to their images,
    zero if and only if T is optimal between them. W is taken at the dual value.

    Parameters
    ----------
    X : array-like of shape (n, n_dims)
        Points.
    T_X : array-like of shape (n, n_dims)
        Their images, in the same order.
    reg : float
        Strength of the entropy, > 0, in the unit of the cost.
    cost : {'sqeuclidean', 'euclidean', 'cityblock', 'cosine'}, default='sqeuclidean'
        Cost c, as in `sinkhorn_divergence`.
    **options
        Keywords of `solve`.

    Returns
    -------
    float
        The gap, in the unit of the cost.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, value or shape; the message names it.

    Warns
    -----
    ConvergenceWarning
        If `tol` was not reached.

    References
    ----------
    T. Uscidda, M. Cuturi. The Monge Gap: A Regularizer to Learn All Transport Maps. ICML 2023,
    Eq. 8.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.ot import monge_gap
    >>> X = np.arange(4.0)[:, None]
    >>> print(f"{monge_gap(X, X + 1, reg=0.01):.4f}")  # an optimal map: reg * log(4)
    0.0139
    >>> print(f"{monge_gap(X, 4 - X, reg=0.01):.4f}")  # an order that is turned round
    5.0139
    """
    X, T_X = as_points(X, T_X, ("X", "T_X"))
    if len(X) != len(T_X):
        raise ValueError(f"T_X must have one row for each of the {len(X)} of X; got {len(T_X)}")
    reg = check_finite_real("reg", reg, open_low=True)
    check_option("cost", cost, COSTS)
    result = solve_clouds(X, T_X, None, None, reg, cost, **options)
    moved = sum(
        float(np.trace(cost_matrix(X[k : k + _BLOCK], T_X[k : k + _BLOCK], cost)))
        for k in range(0, len(X), _BLOCK)
    )
    # The entropy of `solve` has -1 for each unit of mass beside it.
    return moved / len(X) - (result.dual_value + reg)
