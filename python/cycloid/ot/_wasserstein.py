"""The exact transport cost, between two bounds that entropic solves bring together."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cycloid._inputs import Vector, check_finite_real, check_flag, check_integer, check_real
from cycloid._result import Callback, Status, progress_bar
from cycloid.ot._measures import (
    Matrix,
    as_marginals,
    as_matrix,
    row_blocks,
    solve_quietly,
    warn_not_converged,
)
from cycloid.ot._result import TransportResult

_COLUMNS = ("reg", "seconds", "value", "lower_bound", "gap", "violation", "n_iter")


@dataclass(frozen=True, eq=False)
class WassersteinResult:
    """The exact cost of transport between two bounds.

    Attributes
    ----------
    value : float
        <M, plan>: an upper bound of the exact cost, which the plan attains.
    lower_bound : float
        <f, a> + <g, b>: a lower bound, since f_i + g_j <= M_ij.
    gap : float
        `value - lower_bound`: the value is at most this far above the exact cost. All three are
        exact but for the rounding of their sums.
    tolerance : float
        The gap that was asked for, in the same unit: that of the cost times the mass.
    plan : ndarray of shape (n, m)
        Transport plan with row sums a and column sums b to the last digits.
    f, g : ndarray of shape (n,), ndarray of shape (m,)
        Kantorovich potentials, in the unit of the cost; feasible everywhere, bins without mass
        included.
    status : Status
        How it ended; CONVERGED if `gap <= tolerance`. The bounds hold in any case.
    reg : float
        Regularization of the last solve; `inf` if none was needed.
    n_iter : int
        Number of entropic solves.
    trace : dict of str to ndarray
        One row a solve: reg, seconds (since the call began), value and lower_bound (the best so
        far), gap, violation (of the solve, a share of the mass), n_iter (of the solve).
    """

    value: float
    lower_bound: float
    gap: float
    tolerance: float
    plan: Matrix = field(repr=False)
    f: Vector = field(repr=False)
    g: Vector = field(repr=False)
    status: Status
    reg: float
    n_iter: int
    trace: dict[str, Vector] = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the gap reached the tolerance."""
        return self.status == Status.CONVERGED


def wasserstein(
    a: ArrayLike | None,
    b: ArrayLike | None,
    M: ArrayLike,
    *,
    rtol: float = 1e-4,
    tol: float = 0.0,
    max_iter: int = 12,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    progress: bool = False,
) -> WassersteinResult:
    r"""Exact optimal transport to a certified gap.

    Minimises <M, P> over the plans P >= 0 with row sums a and column sums b. Entropic problems are
    solved with less and less regularization, each from the potentials of the one before; each
    plan is rounded to one with the exact marginals, which gives an upper bound, and each pair of
    potentials is made feasible for the dual of the exact problem,
    max <f, a> + <g, b> where f_i + g_j <= M_ij, which gives a lower bound.

    Parameters
    ----------
    a : array-like of shape (n,) or None
        Source masses, non-negative; zeros are allowed. None or empty is uniform, 1/n each.
    b : array-like of shape (m,) or None
        Target masses, of the same total as `a`.
    M : array-like of shape (n, m)
        Costs, finite, of either sign.
    rtol : float, default=1e-4
        Stop at a gap of `rtol` times the gap of the simplest bounds: the cost of the product plan
        a b^T / sum(a), less the lower bound from g = 0.
    tol : float, default=0.0
        Stop at this gap, in the unit of the cost times the mass; the larger of the two rules, and
        never below 8 units of rounding of the largest cost.
    max_iter : int, default=12
        Limit on the number of solves. The first has a regularization at which the gap may be small
        enough, each of the others a quarter of the one before.
    n_threads, callback, verbose
        As in `solve`, for each of the solves. A callback that returns True ends the whole.
    time_limit : float, default=None
        Seconds after which the bounds reached so far are returned.
    progress : bool, default=False
        Whether to show a progress bar, one step a solve (needs tqdm).

    Returns
    -------
    WassersteinResult
        With `value`, `lower_bound`, `gap`, a feasible `plan` and feasible potentials `f`, `g`.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, value or shape; the message names it.
    ImportError
        If `progress` is asked for without tqdm.

    Warns
    -----
    ConvergenceWarning
        If the gap did not reach the tolerance; the bounds hold nevertheless.

    References
    ----------
    J. Altschuler, J. Weed, P. Rigollet. Near-linear time approximation algorithms for optimal
    transport via Sinkhorn iteration. NIPS 2017, Algorithm 2 (the rounding).
    B. Schmitzer. Stabilized Sparse Scaling Algorithms for Entropy Regularized Transport Problems.
    SIAM J. Sci. Comput. 2019, Section 3.2 (decreasing the regularization).

    Examples
    --------
    >>> from cycloid.ot import wasserstein
    >>> result = wasserstein([0.5, 0.5], [0.25, 0.75], [[0.0, 1.0], [1.0, 0.0]])
    >>> print(f"{result.value:.3f}")
    0.250
    """
    began = time.perf_counter()
    limit = math.inf if time_limit is None else check_real("time_limit", time_limit)
    rtol, tol = check_finite_real("rtol", rtol), check_finite_real("tol", tol)
    max_iter = check_integer("max_iter", max_iter, low=1)
    options: dict[str, Any] = {"n_threads": n_threads, "callback": callback, "verbose": verbose}
    bounds = _Bounds(a, b, M)
    tolerance = max(tol, rtol * bounds.gap, bounds.rounding)
    # Each solve finds its own way down; what is left of the gap is about reg a unit of mass.
    reg = 4 * max(4.0**-6 * bounds.gap, tolerance) / bounds.total
    status = Status.CONVERGED if bounds.gap <= tolerance else Status.MAX_ITER
    rows: list[tuple[float, ...]] = []
    spent = 0.0
    bar: Any = (
        progress_bar(max_iter, "solve") if check_flag("progress", progress) else nullcontext()
    )
    with bar:
        while status == Status.MAX_ITER and len(rows) < max_iter:
            reg /= 4
            solved = bounds.tighten(reg, {**options, "time_limit": limit - spent})
            spent = time.perf_counter() - began
            moved = (bounds.value, bounds.lower_bound, bounds.gap)
            rows.append((reg, spent, *moved, solved.violation, solved.n_iter))
            if progress:
                bar.set_postfix_str(f"gap {bounds.gap:.1e}, wanted {tolerance:.1e}")
                bar.update()
            if bounds.gap <= tolerance:
                status = Status.CONVERGED
            elif not solved.converged:
                status = solved.status
                break
            elif spent >= limit:
                status = Status.TIME_LIMIT
    if status != Status.CONVERGED:
        warn_not_converged(
            "wasserstein",
            status,
            f"the gap is {bounds.gap:.3g}, wanted {tolerance:.3g}, after {len(rows)} solves and "
            f"{spent:.3g} s",
            "Increase rtol, tol, max_iter or time_limit",
        )
    table = np.array(rows).reshape(-1, len(_COLUMNS))
    plan, f, g = bounds.complete()
    return WassersteinResult(
        value=bounds.value,
        lower_bound=bounds.lower_bound,
        gap=bounds.gap,
        tolerance=tolerance,
        plan=plan,
        f=f,
        g=g,
        status=status,
        reg=reg if rows else math.inf,
        n_iter=len(rows),
        trace=dict(zip(_COLUMNS, table.T, strict=True)),
    )


class _Bounds:
    """The best feasible plan and the best feasible potentials so far, of the bins with mass."""

    def __init__(self, a: Any, b: Any, M: Any) -> None:
        self._whole = as_matrix("M", M)
        a, b = as_marginals(a, b, self._whole.shape)
        self._rows, self._columns = a > 0, b > 0
        self._full = bool(self._rows.all() and self._columns.all())
        kept = np.ix_(self._rows, self._columns)
        self._a, self._b = a[self._rows], b[self._columns]
        self._M = self._whole if self._full else self._whole[kept]
        self._range = float(np.ptp(self._M))
        self._start: tuple[Vector, Vector] | None = None
        self.total = float(a.sum())
        self.rounding = 8 * np.finfo(float).eps * float(np.abs(self._M).max()) * self.total
        self.plan = np.multiply.outer(self._a, self._b / self.total)
        self.value = _inner(self._M, self.plan)
        self.f, self.g, self.lower_bound = self._feasible(np.zeros_like(self._b))

    @property
    def gap(self) -> float:
        return max(0.0, self.value - self.lower_bound)

    def tighten(self, reg: float, options: dict[str, Any]) -> TransportResult:
        """Solve with `reg`, from the solution before, and keep what is better."""
        # Rounding moves at most the marginal error, and that by at most the range of the costs:
        # a tenth of reg, for each unit of mass.
        tol = max(1e-12, 0.1 * reg / max(self._range, reg))
        result = solve_quietly(
            self._a, self._b, self._M, reg, tol=tol, potentials_init=self._start, **options
        )
        self._start = (result.f, result.g)
        plan = round_to_marginals(result.plan(), self._a, self._b)
        value = _inner(self._M, plan)
        if value < self.value:
            self.plan, self.value = plan, value
        f, g, lower_bound = self._feasible(result.g)
        if lower_bound > self.lower_bound:
            self.f, self.g, self.lower_bound = f, g, lower_bound
        return result

    def _feasible(self, g: Vector) -> tuple[Vector, Vector, float]:
        f = transform_rows(self._M, g)
        g = transform_columns(self._M, f)
        return f, g, float(f @ self._a + g @ self._b)

    def complete(self) -> tuple[Matrix, Vector, Vector]:
        """Plan and potentials of all bins; those without mass get the largest that is feasible."""
        if self._full:
            return self.plan, self.f, self.g
        plan = np.zeros_like(self._whole)
        plan[np.ix_(self._rows, self._columns)] = self.plan
        g = np.full(len(self._columns), -np.inf)
        g[self._columns] = self.g
        f = transform_rows(self._whole, g)
        f[self._rows] = self.f
        g = np.where(self._columns, g, transform_columns(self._whole, f))
        return plan, f, g


def round_to_marginals(P: Matrix, a: Vector, b: Vector) -> Matrix:
    """Turn P, in place, into a plan with row sums a and column sums b.

    The plan moves by at most twice the marginal error in L1.
    """
    # Altschuler, Weed & Rigollet 2017, Alg. 2.
    P *= _at_most_one(a, P.sum(axis=1))[:, None]
    P *= _at_most_one(b, P.sum(axis=0))
    lacking_a = np.maximum(a - P.sum(axis=1), 0.0)
    lacking_b = np.maximum(b - P.sum(axis=0), 0.0)
    total = lacking_a.sum()
    if total > 0:
        for rows in row_blocks(P):
            P[rows] += np.multiply.outer(lacking_a[rows], lacking_b / total)
    return P


def _at_most_one(wanted: Vector, got: Vector) -> Vector:
    return np.divide(wanted, got, where=got > wanted, out=np.ones_like(got))


def transform_rows(M: Matrix, g: Vector) -> Vector:
    """f_i = min_j M_ij - g_j: the largest f with f_i + g_j <= M_ij."""
    return np.concatenate([(M[rows] - g).min(axis=1) for rows in row_blocks(M)])


def transform_columns(M: Matrix, f: Vector) -> Vector:
    """g_j = min_i M_ij - f_i."""
    g = np.full(M.shape[1], np.inf)
    for rows in row_blocks(M):
        np.minimum(g, (M[rows] - f[rows, None]).min(axis=0), out=g)
    return g


def _inner(M: Matrix, P: Matrix) -> float:
    return math.fsum(float(np.einsum("ij,ij->", M[rows], P[rows])) for rows in row_blocks(M))
