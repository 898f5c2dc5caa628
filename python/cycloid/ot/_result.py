"""What an optimal transport solve returns, what it prints and what it warns of."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from cycloid._result import Callback, Row, Status, TableReporter, Vector, caller_level

_BLOCK = 1 << 22  # entries of the plan formed at a time

REMEDIES = {
    Status.MAX_ITER: "Increase max_iter, tol or reg",
    Status.TIME_LIMIT: "Increase time_limit, tol or reg",
    Status.STOPPED: "Let the callback return None or False to go on",
    Status.STALLED: "Increase tol or reg: rounding of the potentials alone moves the marginals by "
    "about 1e-16 max|M| / reg",
    Status.NUMERICAL_ERROR: "Scale M and reg to moderate ranges",
}


class Costs(Protocol):
    """What a result computes its plan from."""

    def rows(self, begin: int, end: int) -> NDArray[Any]:
        """Costs of the rows [begin, end) to all columns."""
        ...


@dataclass(frozen=True, eq=False)
class MatrixCosts:
    """Costs that are there."""

    matrix: NDArray[Any]

    def rows(self, begin: int, end: int) -> NDArray[Any]:
        rows: NDArray[Any] = self.matrix[begin:end]
        return rows


@dataclass(frozen=True, eq=False)
class TransportResult:
    """Potentials of an entropic optimal transport problem, and what they certify.

    The plan is ``P_ij = exp((f_i + g_j - M_ij) / reg)``. It is formed on demand from the cost
    matrix or from the points, which the result refers to without a copy where it can: do not write
    to them before the last plan.

    Attributes
    ----------
    f : ndarray of shape (n,)
        Potentials of the rows, in the unit of the costs; -inf where the mass is zero.
    g : ndarray of shape (m,)
        Potentials of the columns. ``(f + t, g - t)`` has the same plan for every number t.
    reg : float
        Strength of the entropy term, in the unit of the costs.
    value : float
        ``sum(P * M) + reg * sum(P * (log(P) - 1))`` at this plan.
    transport_cost : float
        ``sum(P * M)`` at this plan.
    dual_value : float
        ``f @ a + g @ b - reg * sum(P)``, a lower bound of the smallest value (0 times -inf is 0).
    gap : float
        Duality gap of the plan rounded to the marginals (Altschuler, Weed & Rigollet 2017,
        algorithm 2): its value is at most ``dual_value + gap``. Same unit as the value.
    violation : float
        ``(abs(P.sum(1) - a).sum() + abs(P.sum(0) - b).sum()) / a.sum()`` of the dense plan in
        double precision: a share of the mass.
    tolerance : float
        The violation that was asked for.
    status : Status
        How the solve ended.
    n_iter : int
        Scaling sweeps and Newton steps.
    n_passes : int
        Passes over all n x m entries, of the costs or of the plan; two certify the result.
    trace : dict of str to ndarray
        One row a check of the marginals: iteration, seconds (since the call began), reg (larger
        than asked for on the way there), violation, value (of the dual, for masses of total one),
        n_kept (entries of the plan that matter), n_newton, n_cg, n_passes; counts add up.
    """

    f: Vector = field(repr=False)
    g: Vector = field(repr=False)
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
    _cost: Costs = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the violation reached the tolerance."""
        return self.status == Status.CONVERGED

    def plan(self) -> NDArray[np.float64]:
        """The plan, dense: ndarray of shape (n, m)."""
        return self.plan_rows(0, len(self.f))

    def plan_sparse(self, threshold: float | None = None) -> tuple[sparse.csr_array, float]:
        """The plan's entries above a threshold, and the mass of all others.

        Parameters
        ----------
        threshold : float, default=None
            Entries above it are kept; None: 1e-9 of the total mass over ``max(n, m)``, which drops
            at most ``1e-9 * min(n, m)`` of the mass. Never more than one block of rows is dense.

        Returns
        -------
        plan : csr_array of shape (n, m)
            The entries kept.
        dropped : float
            Mass of the entries left out.
        """
        n, m = len(self.f), len(self.g)
        step = max(1, _BLOCK // m)
        blocks = [(begin, min(begin + step, n)) for begin in range(0, n, step)]
        if threshold is None:
            total = sum(float(self.plan_rows(*block).sum()) for block in blocks)
            threshold = 1e-9 * total / max(n, m)
        pieces, dropped = [], 0.0
        for block in blocks:
            rows = self.plan_rows(*block)
            small = ~(rows > threshold)
            dropped += float(rows[small].sum())
            rows[small] = 0
            pieces.append(sparse.csr_array(rows))
        return sparse.csr_array(sparse.vstack(pieces, format="csr")), dropped

    def plan_rows(self, begin: int, end: int) -> NDArray[np.float64]:
        """Rows [begin, end) of the plan, dense: ndarray of shape (end - begin, m)."""
        rows = np.add.outer(self.f[begin:end], self.g)
        rows -= self._cost.rows(begin, end)
        rows /= self.reg
        return np.exp(rows, out=rows)


def to_result(
    raw: dict[str, Any], f: Vector, g: Vector, reg: float, tol: float, costs: Costs
) -> TransportResult:
    """What the core returns, with potentials in the caller's order."""
    return TransportResult(
        f=f,
        g=g,
        reg=reg,
        value=raw["value"],
        transport_cost=raw["transport_cost"],
        dual_value=raw["dual_value"],
        gap=raw["gap"],
        violation=raw["violation"],
        tolerance=tol,
        # mypy sees the arguments of its __new__, not the look-up by value.
        status=Status(raw["status"]),  # type: ignore[call-arg]
        n_iter=raw["n_iter"],
        n_passes=raw["n_passes"],
        trace=dict(raw["trace"]),
        _cost=costs,
    )


def warn_unless_converged(who: str, result: TransportResult) -> None:
    """A ConvergenceWarning that says what happened, how far it got and what helps."""
    if result.converged:
        return
    warnings.warn(
        f"{who}: at reg={result.reg:.6g} {result.status.sentence} (Status.{result.status.name}): "
        f"the violation of the marginals is {result.violation:.3g}, wanted "
        f"{result.tolerance:.3g}, after {result.n_iter} iterations. {REMEDIES[result.status]}.",
        ConvergenceWarning,
        stacklevel=caller_level(),
    )


class Reporter(TableReporter):
    """The table of a transport solve unless other `columns` are asked for."""

    COLUMNS = ("iteration", "seconds", "reg", "violation", "value", "n_newton", "n_passes")

    def __init__(
        self,
        callback: Callback | None,
        verbose: int,
        progress: bool,
        columns: tuple[str, ...] = COLUMNS,
        total: int | None = None,
    ) -> None:
        unit = "iteration" if total is None else "problem"
        super().__init__(callback, verbose, progress, columns, total, unit)

    def progress_note(self, row: Row) -> str:
        level = f"reg {row['reg']:.2g}, " if "reg" in row else ""
        return f"{level}violation {row['violation']:.1e}"
