"""Barycenters of histograms on a fixed support."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cycloid import _core
from cycloid._inputs import (
    Vector,
    check_finite_real,
    check_flag,
    check_integer,
    check_real,
    thread_count,
)
from cycloid._result import Callback, Status
from cycloid.ot._inputs import (
    as_costs,
    as_mass_rows,
    as_masses,
    as_potential_rows,
    stored_by_rows,
)
from cycloid.ot._measures import Matrix, warn_not_converged
from cycloid.ot._result import REMEDIES, Reporter


@dataclass(frozen=True, eq=False)
class BarycenterResult:
    """An entropic barycenter, and the transport of each histogram to it.

    The plan of histogram k is ``P_ij = exp((f[k, i] + g[k, j] - M_ij) / reg)``, formed on demand.

    Attributes
    ----------
    b : ndarray of shape (m,)
        The barycenter: the weighted mean of the column sums of all plans. Its total is that of
        the histograms, and no entry is negative.
    f : ndarray of shape (n_hists, n)
        Potentials of each histogram's bins, in the unit of the costs; -inf where it has no mass.
    g : ndarray of shape (n_hists, m)
        Potentials of the support, with ``weights @ g == 0`` to rounding.
    weights : ndarray of shape (n_hists,)
        Weights, of sum one; one of weight zero has NaN for its potentials.
    reg : float
        Strength of the entropy term, in the unit of the costs.
    value : float
        The objective at the plans, the weighted sum of the entropic values.
    transport_cost : float
        Its part without entropy.
    dual_value : float
        A lower bound of the smallest value, for any barycenter.
    gap : float
        The objective at `b` is at most ``dual_value + gap``.
    violation : float
        Weighted mean over the histograms of the L1 distance of both marginals of plan k to
        histogram k and to `b`, as a share of the total mass: zero where all the plans reach one
        barycenter, which is what optimality takes.
    tolerance : float
        The violation that was asked for.
    status : Status
        How the solve ended.
    n_iter : int
        Scaling sweeps and Newton steps.
    n_passes : int
        Exact passes over the costs for every histogram.
    trace : dict of str to ndarray
        One row a pass, with the columns of `TransportResult.trace`.
    """

    b: Vector = field(repr=False)
    f: Matrix = field(repr=False)
    g: Matrix = field(repr=False)
    weights: Vector = field(repr=False)
    reg: float
    value: float
    transport_cost: float
    dual_value: float
    gap: float
    violation: float
    tolerance: float
    status: Status
    n_iter: int
    n_passes: int
    trace: dict[str, Vector] = field(repr=False)
    _cost: NDArray[Any] = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the violation reached the tolerance."""
        return self.status == Status.CONVERGED

    def plan(self, index: int) -> Matrix:
        """The plan from histogram `index` to the barycenter, dense: ndarray of shape (n, m)."""
        plan: Matrix = np.add.outer(self.f[index], self.g[index])
        plan -= self._cost
        plan /= self.reg
        np.exp(plan, out=plan)
        return plan


def barycenter(
    A: ArrayLike,
    M: ArrayLike,
    reg: float,
    *,
    weights: ArrayLike | None = None,
    tol: float = 1e-9,
    max_iter: int = 10_000,
    potentials_init: tuple[ArrayLike, ArrayLike] | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    progress: bool = False,
) -> BarycenterResult:
    """Entropic barycenter of histograms, on the support of the columns of M.

    Over all b >= 0 of shape (m,), minimise::

        sum_k weights[k] * OT(A[k], b)
        OT(a, b) = min_P sum_ij P_ij M_ij + reg * sum_ij P_ij (log(P_ij) - 1)

    over the plans P >= 0 with row sums a and column sums b: the problem of `solve`, and of POT's
    ``ot.barycenter``, whose histograms are the *columns* of its A. The entropy blurs b, the more
    the larger reg.

    Parameters
    ----------
    A : array-like of shape (n_hists, n)
        Histograms, one a row, non-negative, of equal totals to 1e-8 relative. Bins without mass
        are left out.
    M : array-like of shape (n, m)
        Costs between the bins of the histograms and those of the barycenter, finite; float32 and
        float64 are used as they are if stored by rows.
    reg : float
        Strength of the entropy term, > 0, in the unit of M.
    weights : array-like of shape (n_hists,), default=None
        Weights, non-negative, divided by their sum; None: equal. A histogram of weight zero has
        no part in b; its potentials are NaN.
    tol : float, default=1e-9
        Solved when the violation, a share of the mass, is at most this.
    max_iter : int, default=10000
        Limit on scaling sweeps and Newton steps.
    potentials_init : tuple of two array-likes, default=None
        Potentials (f, g) of shapes (n_hists, n) and (n_hists, m) to start from. f follows from g.
    n_threads : int, default=None
        Number of threads, with the same result for any; as in `solve`.
    time_limit : float, default=None
        Seconds after which the solve ends with the best potentials so far.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms. True stops the solve; an
        exception passes through unchanged.
    verbose : int, default=0
        1 prints a line each reported row.
    progress : bool, default=False
        Whether to show a progress bar (needs tqdm).

    Returns
    -------
    BarycenterResult
        The barycenter `b`, potentials, value, gap, violation, status and trace.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument has a wrong value or shape, NaN or infinity; the message names it.
    ImportError
        If `progress` is asked for without tqdm.

    Warns
    -----
    ConvergenceWarning
        If the violation stays above `tol`; the message says why and what helps.

    Notes
    -----
    Iterative Bregman projections [1]_ in the log domain, over-relaxed, on kernels that are stored
    in single precision around one point, then Newton's method on the dual problem: its systems
    couple the histograms by ``sum_k weights[k] g_k = 0`` and are solved by conjugate gradients in
    that space. Kernels of dense plans take 4 n m bytes a histogram; entries that do not matter
    are left out. Exact passes in double precision check and correct.

    References
    ----------
    .. [1] J.-D. Benamou, G. Carlier, M. Cuturi, L. Nenna, G. Peyre, "Iterative Bregman projections
       for regularized transportation problems", SIAM J. Sci. Comput. 37(2), 2015, Section 3.2.
    .. [2] M. Cuturi, A. Doucet, "Fast computation of Wasserstein barycenters", ICML 2014.
    .. [3] H. Janati, M. Cuturi, A. Gramfort, "Debiased Sinkhorn barycenters", ICML 2020: the blur.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.ot import barycenter
    >>> x = np.linspace(0, 1, 5)
    >>> A = [[1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]]
    >>> barycenter(A, np.subtract.outer(x, x) ** 2, reg=0.01).b.round(3)
    array([0.   , 0.002, 0.996, 0.002, 0.   ])
    """
    reg = check_finite_real("reg", reg, open_low=True)
    tol = check_finite_real("tol", tol, open_low=True)
    costs = as_costs(M, reg)
    n, m = costs.shape
    if A is None or np.ndim(A) != 2 or np.size(A) == 0:
        raise ValueError(
            f"A must have shape (n_hists, n), one histogram a row; got "
            f"{'None' if A is None else np.shape(A)}"
        )
    histograms = as_mass_rows("A", A, n)
    _check_equal_totals(histograms)
    count = len(histograms)
    shares = as_masses("weights", weights, count, "one weight a histogram")
    shares = shares / shares.sum()
    used = shares > 0
    start = _start(potentials_init, histograms, used, m)
    reporter = Reporter(
        callback,
        check_integer("verbose", int(verbose) if isinstance(verbose, bool) else verbose, low=0),
        check_flag("progress", progress),
    )
    try:
        raw = _core.solve_barycenter(
            histograms[used],
            costs if stored_by_rows(costs) else np.ascontiguousarray(costs),
            reg,
            weights=shares[used],
            tol=tol,
            max_iter=check_integer("max_iter", max_iter, low=1),
            g=start,
            n_threads=thread_count(n_threads),
            time_limit=math.inf if time_limit is None else check_real("time_limit", time_limit),
            observer=reporter.observer,
        )
    finally:
        reporter.close()
    result = _to_result(raw, shares, reg, tol, costs)
    if not result.converged:
        warn_not_converged(
            "barycenter",
            result.status,
            f"the violation of the marginals is {result.violation:.3g}, wanted {tol:.3g}, after "
            f"{result.n_iter} iterations",
            REMEDIES[result.status],
        )
    return result


def _check_equal_totals(histograms: Matrix) -> None:
    totals = histograms.sum(axis=1)
    low, high = totals.min(), totals.max()
    if not high - low <= 1e-8 * high:
        raise ValueError(
            f"the histograms A must have equal totals to 1e-8 relative; got totals from {low:.12g} "
            f"to {high:.12g}. Divide each row by its sum"
        )


def _start(potentials: Any, histograms: Matrix, used: NDArray[np.bool_], m: int) -> Matrix | None:
    """The g of the histograms with a weight."""
    if isinstance(potentials, tuple | list) and len(potentials) == 2:
        potentials = tuple(_with_weight(side, used) for side in potentials)
    kept = histograms[used]
    rows = as_potential_rows(potentials, kept, np.ones((1, m)), len(kept))
    return None if rows is None else rows[1]


def _with_weight(side: Any, used: NDArray[np.bool_]) -> Any:
    return np.asarray(side)[used] if np.ndim(side) == 2 and len(side) == len(used) else side


def _to_result(
    raw: dict[str, Any], shares: Vector, reg: float, tol: float, costs: NDArray[Any]
) -> BarycenterResult:
    sides = {}
    for side in ("f", "g"):
        sides[side] = np.full((len(shares), raw[side].shape[1]), np.nan)
        sides[side][shares > 0] = raw[side]
    return BarycenterResult(
        b=raw["b"],
        **sides,
        weights=shares,
        reg=reg,
        value=raw["value"],
        transport_cost=raw["transport_cost"],
        dual_value=raw["dual_value"],
        gap=raw["gap"],
        violation=raw["violation"],
        tolerance=tol,
        status=Status(raw["status"]),  # type: ignore[call-arg]
        n_iter=raw["n_iter"],
        n_passes=raw["n_passes"],
        trace=dict(raw["trace"]),
        _cost=costs,
    )
