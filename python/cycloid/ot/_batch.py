"""Several problems that share their costs, in one call."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cycloid import _core
from cycloid._inputs import (
    Vector,
    check_finite_real,
    check_flag,
    check_integer,
    check_option,
    check_real,
    thread_count,
)
from cycloid._result import Callback, Status
from cycloid.ot._inputs import (
    as_costs,
    as_mass_rows,
    as_potential_rows,
    check_totals_of_rows,
    stored_by_rows,
)
from cycloid.ot._measures import Matrix, warn_not_converged
from cycloid.ot._result import REMEDIES, MatrixCosts, Reporter, TransportResult

_COLUMNS = ("n_done", "seconds", "problem", "violation", "n_iter", "n_passes", "n_failed")


@dataclass(frozen=True, eq=False)
class BatchResult:
    """The solutions of several transport problems with the same costs.

    ``result[i]`` is the `TransportResult` of problem i, and iterating gives them all. A problem
    that a callback, Ctrl-C or the time limit ended before it began has NaN for its potentials and
    values, and an infinite gap and violation.

    Attributes
    ----------
    f : ndarray of shape (n_problems, n)
        Potentials of the rows, one problem a row.
    g : ndarray of shape (n_problems, m)
        Potentials of the columns.
    reg : float
        Strength of the entropy term, in the unit of the costs.
    values, transport_costs, dual_values, gaps, violations : ndarray of shape (n_problems,)
        What `TransportResult` has for each problem.
    tolerance : float
        The violation that was asked for.
    statuses : tuple of Status
        How each problem ended.
    n_iters, n_passes : ndarray of int of shape (n_problems,)
        Iterations, and passes over the costs, of each problem.
    """

    f: Matrix = field(repr=False)
    g: Matrix = field(repr=False)
    reg: float
    values: Vector = field(repr=False)
    transport_costs: Vector = field(repr=False)
    dual_values: Vector = field(repr=False)
    gaps: Vector = field(repr=False)
    violations: Vector = field(repr=False)
    tolerance: float
    statuses: tuple[Status, ...] = field(repr=False)
    n_iters: NDArray[np.int64] = field(repr=False)
    n_passes: NDArray[np.int64] = field(repr=False)
    _trace: dict[str, Vector] = field(repr=False)  # of all problems, one after the other
    _trace_starts: NDArray[np.int64] = field(repr=False)
    _cost: MatrixCosts = field(repr=False)

    @property
    def status(self) -> Status:
        """CONVERGED if all problems are, else the status of the first that is not."""
        return next((s for s in self.statuses if s != Status.CONVERGED), Status.CONVERGED)

    @property
    def converged(self) -> bool:
        """Whether the violation of every problem reached the tolerance."""
        return self.status == Status.CONVERGED

    def __len__(self) -> int:
        return len(self.statuses)

    def __getitem__(self, index: int) -> TransportResult:
        k = range(len(self))[index]
        rows = slice(self._trace_starts[k], self._trace_starts[k + 1])
        return TransportResult(
            f=self.f[k],
            g=self.g[k],
            reg=self.reg,
            value=float(self.values[k]),
            transport_cost=float(self.transport_costs[k]),
            dual_value=float(self.dual_values[k]),
            gap=float(self.gaps[k]),
            violation=float(self.violations[k]),
            tolerance=self.tolerance,
            status=self.statuses[k],
            n_iter=int(self.n_iters[k]),
            n_passes=int(self.n_passes[k]),
            trace={name: column[rows] for name, column in self._trace.items()},
            _cost=self._cost,
        )

    def __iter__(self) -> Iterator[TransportResult]:
        return (self[k] for k in range(len(self)))


def solve_batch(
    A: ArrayLike | None,
    B: ArrayLike | None,
    M: ArrayLike,
    reg: float,
    *,
    method: Literal["auto", "sinkhorn", "sns"] = "auto",
    tol: float = 1e-9,
    max_iter: int = 10_000,
    potentials_init: tuple[ArrayLike, ArrayLike] | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    progress: bool = False,
) -> BatchResult:
    """Entropic optimal transport between several pairs of histograms with the same costs.

    For each k, the problem that `solve` states for the masses A[k] and B[k]. The result is the
    same, to the last bit, as that of `solve` for each of them; but the threads share out the
    problems, and checks and bookkeeping are done once.

    Parameters
    ----------
    A : array-like of shape (n_problems, n) or (n,) or None
        Masses of the rows of M, non-negative, one problem a row. One histogram, of shape (n,), is
        shared by all problems; None or empty: 1/n each.
    B : array-like of shape (n_problems, m) or (m,) or None
        Masses of the columns, likewise. The totals of A[k] and B[k] must agree to 1e-8 relative.
    M : array-like of shape (n, m)
        Costs, finite, of any sign, as in `solve`.
    reg : float
        Strength of the entropy term, > 0, in the unit of M.
    method : {'auto', 'sinkhorn', 'sns'}, default='auto'
        As in `solve`; 'sns' with its default numbers.
    tol : float, default=1e-9
        Each problem is solved when its violation, a share of its total mass, is at most this.
    max_iter : int, default=10000
        Limit on the scaling sweeps and Newton steps of each problem.
    potentials_init : tuple of two array-likes, default=None
        Potentials to start from, of shapes (n_problems, n) and (n_problems, m), or (n,) and (m,)
        for the same start of all problems.
    n_threads : int, default=None
        Number of threads, with the same result for any; as in `solve`. With at least as many
        problems as threads each problem has one thread, and memory of its own.
    time_limit : float, default=None
        Seconds after which the batch ends.
    callback : callable, default=None
        Called when a problem has ended, at most every 50 ms and for the last one, with a dict:
        n_done (problems that have ended), seconds (since the call began), problem (the index of
        the last of them), violation, n_iter and n_passes (its own), n_failed (problems not
        converged). True ends the batch; an exception passes through unchanged.
    verbose : int, default=0
        1 prints a line each reported row.
    progress : bool, default=False
        Whether to show a progress bar (needs tqdm).

    Returns
    -------
    BatchResult
        Potentials, values, gaps, violations and statuses of all problems, and the
        `TransportResult` of each.

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
        Once, if a violation stays above `tol`; the message says in how many problems.

    References
    ----------
    M. Cuturi, "Sinkhorn distances: lightspeed computation of optimal transport", NeurIPS 2013,
    Section 4.1: many histograms at once.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.ot import solve_batch
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> B = [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5]]
    >>> batch = solve_batch([0.5, 0.5, 0.0], B, np.subtract.outer(x, x) ** 2, reg=0.05)
    >>> batch.transport_costs.round(3)
    array([0. , 1. , 0.5])
    >>> batch[1].plan().round(3)
    array([[0. , 0.5, 0. ],
           [0. , 0. , 0.5],
           [0. , 0. , 0. ]])
    """
    check_option("method", method, ("auto", "sinkhorn", "sns"))
    reg = check_finite_real("reg", reg, open_low=True)
    tol = check_finite_real("tol", tol, open_low=True)
    costs = as_costs(M, reg)
    n, m = costs.shape
    sides = as_mass_rows("A", A, n), as_mass_rows("B", B, m)
    count = check_totals_of_rows(*sides)
    starts = as_potential_rows(potentials_init, *sides, count)
    by_rows = stored_by_rows(costs)
    # A matrix stored by columns is the transposed problem stored by rows.
    (first, second), view = (sides, costs) if by_rows else (sides[::-1], costs.T)
    reporter = Reporter(
        callback,
        check_integer("verbose", int(verbose) if isinstance(verbose, bool) else verbose, low=0),
        check_flag("progress", progress),
        columns=_COLUMNS,
        total=count,
    )
    try:
        raw = _core.solve_transport_batch(
            first,
            second,
            view,
            reg,
            count=count,
            method=method,
            tol=tol,
            max_iter=check_integer("max_iter", max_iter, low=1),
            g=None if starts is None else starts[1 if by_rows else 0],
            n_sinkhorn=20,
            n_newton=100,
            density=min(1.0, 8 / max(n, m)),
            n_threads=thread_count(n_threads),
            time_limit=math.inf if time_limit is None else check_real("time_limit", time_limit),
            observer=reporter.observer,
        )
    finally:
        reporter.close()
    result = _to_result(raw, reg, tol, by_rows, costs)
    _warn_unless_converged(result)
    return result


def _to_result(
    raw: dict[str, Any], reg: float, tol: float, by_rows: bool, costs: NDArray[Any]
) -> BatchResult:
    return BatchResult(
        f=raw["f" if by_rows else "g"],
        g=raw["g" if by_rows else "f"],
        reg=reg,
        values=raw["value"],
        transport_costs=raw["transport_cost"],
        dual_values=raw["dual_value"],
        gaps=raw["gap"],
        violations=raw["violation"],
        tolerance=tol,
        statuses=tuple(Status(int(code)) for code in raw["status"]),  # type: ignore[call-arg]
        n_iters=raw["n_iter"],
        n_passes=raw["n_passes"],
        _trace=raw["trace"],
        _trace_starts=raw["trace_starts"],
        _cost=MatrixCosts(costs),
    )


def _warn_unless_converged(result: BatchResult) -> None:
    failed = [k for k, status in enumerate(result.statuses) if status != Status.CONVERGED]
    if not failed:
        return
    worst = max(failed, key=lambda k: result.violations[k])
    status = result.statuses[worst]
    warn_not_converged(
        "solve_batch",
        status,
        f"{len(failed)} of {len(result)} problems did not converge, at worst problem {worst}: the "
        f"violation of its marginals is {result.violations[worst]:.3g}, wanted "
        f"{result.tolerance:.3g}, after {result.n_iters[worst]} iterations",
        REMEDIES[status],
    )
