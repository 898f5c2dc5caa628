"""From histograms and costs to the core and back."""

from __future__ import annotations

import math
from typing import Literal

from numpy.typing import ArrayLike

from cycloid import _core
from cycloid._inputs import (
    check_finite_real,
    check_flag,
    check_integer,
    check_option,
    check_real,
    thread_count,
)
from cycloid._result import Callback
from cycloid.ot._inputs import as_costs, as_masses, as_potentials, check_totals, stored_by_rows
from cycloid.ot._result import (
    MatrixCosts,
    Reporter,
    TransportResult,
    to_result,
    warn_unless_converged,
)


def solve(
    a: ArrayLike | None,
    b: ArrayLike | None,
    M: ArrayLike,
    reg: float,
    *,
    method: Literal["auto", "sinkhorn", "sns"] = "auto",
    tol: float = 1e-9,
    max_iter: int = 10_000,
    potentials_init: tuple[ArrayLike, ArrayLike] | None = None,
    n_sinkhorn: int = 20,
    n_newton: int = 100,
    density: float | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    progress: bool = False,
) -> TransportResult:
    """Entropic optimal transport between two histograms.

    Over all plans P >= 0 with row sums a and column sums b, minimise::

        sum_ij P_ij M_ij + reg * sum_ij P_ij (log(P_ij) - 1)

    with 0 log 0 = 0. The minimiser is P_ij = exp((f_i + g_j - M_ij) / reg) for potentials f, g
    that maximise the dual ``f @ a + g @ b - reg * sum(P)``. (Other packages state the entropy
    without the -1, or against the product of a and b; the plan is the same, and f, g differ by
    constants or by reg log a and reg log b.)

    Parameters
    ----------
    a : array-like of shape (n,) or None
        Masses of the rows, non-negative. None or empty: 1/n each. A row without mass is left out:
        its entries of the plan are zero and its potential is -inf.
    b : array-like of shape (m,) or None
        Masses of the columns. Their total must be that of a to 1e-8 relative; the common total
        is kept (that of a where they differ) and need not be one.
    M : array-like of shape (n, m)
        Costs, finite, of any sign. float32 and float64 are used as they are, in either order.
    reg : float
        Strength of the entropy term, > 0, in the unit of M. The smaller, the sparser the plan;
        the transport cost exceeds its minimum by at most ``reg * log(min(n, m))`` for masses of
        total one.
    method : {'auto', 'sinkhorn', 'sns'}, default='auto'
        'auto': reg decreases by factors of 4 where that helps; passes in the log domain alternate
        with over-relaxed scaling while the plan is dense [4]_, and with truncated Newton steps on
        its sparse part when it is not. 'sinkhorn': plain scaling in the log domain, one iteration
        a pass. 'sns': Sinkhorn-Newton-Sparse [1]_, algorithm 1, without safeguards but Armijo's
        rule; it stores the plan.
    tol : float, default=1e-9
        Solved when the L1 distance of both marginals to a and b, as a share of the total mass,
        is at most this; see `TransportResult.violation`.
    max_iter : int, default=10000
        Limit on scaling sweeps and Newton steps.
    potentials_init : tuple of two array-likes of shapes (n,) and (m,), default=None
        Potentials (f, g) to start from, such as those of a similar problem; may be -inf where
        there is no mass. f follows from g, or g from f.
    n_sinkhorn, n_newton : int, default=20 and 100
        'sns': the numbers N1 and N2 of scaling sweeps, then of Newton steps. Steps end early at
        `tol`.
    density : float, default=None
        'sns': the share lambda of the plan's entries that stay in the Hessian; None:
        ``min(1, 8 / max(n, m))``.
    n_threads : int, default=None
        Number of threads, with the same result for any. None: the environment variable
        CYCLOID_NUM_THREADS, else all CPUs that the process may use, within OpenMP's limits;
        -1: all CPUs.
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
    TransportResult
        Potentials, values, gap, violation, status and trace; ``plan()`` and ``plan_sparse()``.

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

    References
    ----------
    .. [1] X. Tang, M. Shavlovsky, H. Rahmanian, E. Tardini, K. K. Thekumparampil, T. Xiao,
       L. Ying, "Accelerating Sinkhorn algorithm with sparse Newton iterations", ICLR 2024.
    .. [2] M. Cuturi, "Sinkhorn distances: lightspeed computation of optimal transport",
       NeurIPS 2013.
    .. [3] J. Altschuler, J. Weed, P. Rigollet, "Near-linear time approximation algorithms for
       optimal transport via Sinkhorn iteration", NeurIPS 2017: algorithm 2, for the gap.
    .. [4] A. Thibault, L. Chizat, C. Dossal, N. Papadakis, "Overrelaxed Sinkhorn-Knopp algorithm
       for regularized optimal transport", Algorithms 14(5), 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.ot import solve
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> result = solve([0.5, 0.5, 0.0], [0.25, 0.25, 0.5], np.subtract.outer(x, x) ** 2, reg=0.1)
    >>> result.plan().round(3)
    array([[0.25, 0.25, 0.  ],
           [0.  , 0.  , 0.5 ],
           [0.  , 0.  , 0.  ]])
    >>> round(result.transport_cost, 3), result.converged
    (0.75, True)
    """
    check_option("method", method, ("auto", "sinkhorn", "sns"))
    reg = check_finite_real("reg", reg, open_low=True)
    tol = check_finite_real("tol", tol, open_low=True)
    costs = as_costs(M, reg)
    n, m = costs.shape
    masses = as_masses("a", a, n, "one mass a row of M"), as_masses("b", b, m, "one a column of M")
    check_totals(*masses)
    if density is None:
        density = min(1.0, 8 / max(n, m))
    potentials = as_potentials(potentials_init, *masses)
    by_rows = stored_by_rows(costs)
    # A matrix stored by columns is the transposed problem stored by rows.
    (first, second), view = (masses, costs) if by_rows else (masses[::-1], costs.T)
    reporter = Reporter(
        callback,
        check_integer("verbose", int(verbose) if isinstance(verbose, bool) else verbose, low=0),
        check_flag("progress", progress),
    )
    try:
        raw = _core.solve_transport(
            first,
            second,
            view,
            reg,
            method=method,
            tol=tol,
            max_iter=check_integer("max_iter", max_iter, low=1),
            g=None if potentials is None else potentials[1 if by_rows else 0],
            n_sinkhorn=check_integer("n_sinkhorn", n_sinkhorn, low=0),
            n_newton=check_integer("n_newton", n_newton, low=0),
            density=check_real("density", density, open_low=True, high=1.0),
            n_threads=thread_count(n_threads),
            time_limit=math.inf if time_limit is None else check_real("time_limit", time_limit),
            observer=reporter.observer,
        )
    finally:
        reporter.close()
    f, g = raw["f" if by_rows else "g"], raw["g" if by_rows else "f"]
    result = to_result(raw, f, g, reg, tol, MatrixCosts(costs))
    warn_unless_converged("solve", result)
    return result
