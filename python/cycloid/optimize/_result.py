"""What `minimize` returns, prints and warns of."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult
from sklearn.exceptions import ConvergenceWarning

from cycloid._result import Callback, Row, Status, TableReporter, Vector, caller_level
from cycloid.optimize._problem import Problem

_REMEDIES = {
    Status.MAX_ITER: "Increase max_iter or tol, or start nearer to the solution",
    Status.TIME_LIMIT: "Increase time_limit or tol",
    Status.STOPPED: "Let the callback return None or False to go on",
    Status.STALLED: "Give exact derivatives, scale the variables and constraints to moderate "
    "ranges, or increase tol",
    Status.NUMERICAL_ERROR: "Start where all functions and their derivatives are finite",
}


class MinimizeResult(OptimizeResult):  # type: ignore[misc]
    """The point at which `minimize` ended; a `scipy.optimize.OptimizeResult` with more entries.

    Attributes
    ----------
    x : ndarray of shape (n,)
        The solution, or the last point where every value was finite.
    fun : float
        The objective at x.
    jac : ndarray of shape (n,)
        The gradient of the objective at x.
    multipliers : ndarray of shape (m,)
        Multipliers y of the Lagrangian ``fun + y @ c``, the constraints one after the other.
    constr : ndarray of shape (m,)
        The constraints at x: ``A @ x - lb``, ``fun(x) - lb``, or ``fun(x)`` of a dictionary.
    success : bool
        Whether the violation reached the tolerance.
    status : Status
        How the solve ended; 0 is `Status.CONVERGED`.
    message : str
        The same in words, with what helps.
    violation : float
        Euclidean norm of the gradient of the Lagrangian and the constraints together, at x.
    optimality : float
        Largest absolute entry of the gradient of the Lagrangian.
    constr_violation : float
        Largest absolute entry of `constr`; 0 without constraints.
    tolerance : float
        The violation that was asked for.
    nit : int
        Steps of the outer method.
    n_inner : int
        Steps of the solver of the Newton systems, of all of them; 0 for a factorization.
    nfev, njev, nhev : int
        Calls of the objective, with those for differences, and evaluations of its gradient and of
        the Hessian of the Lagrangian.
    trace : dict of str to ndarray
        One row a step: iteration, seconds (since the call began), objective, violation,
        constraint_violation, step (length of the step taken, 1 is Newton's), shift (added to the
        Hessian's diagonal), eta1 and eta2 (penalties of the merit function), inner_residual
        (relative), n_inner, phase (0: Newton's method, 1: the constraints alone are solved).
    """

    @property
    def converged(self) -> bool:
        """Whether the violation reached the tolerance."""
        return bool(self.status == Status.CONVERGED)


def to_result(raw: dict[str, Any], problem: Problem, n_calls: int, tol: float) -> MinimizeResult:
    """What the core returns, and the parts of the conditions of optimality recomputed at x."""
    x, multipliers = raw["x"], raw["y"]
    # mypy sees the arguments of its __new__, not the look-up by value.
    status = Status(raw["status"])  # type: ignore[call-arg]
    counts = {"nfev": n_calls, "njev": problem.n_gradients, "nhev": problem.n_hessians}
    gradient = problem.gradient(x)
    values = problem.constraints(x) if problem.m else np.zeros(0)
    slope = gradient.copy()
    if problem.m:
        slope += problem.jacobian_transpose_product(x, multipliers)
    violation = float(np.linalg.norm(np.concatenate([slope, values])))
    constr_violation = float(np.abs(values).max(initial=0.0))
    return MinimizeResult(
        x=x,
        fun=raw["objective"],
        jac=gradient,
        multipliers=multipliers,
        constr=values,
        success=status == Status.CONVERGED,
        status=status,
        message=_message(status, violation, constr_violation, tol, raw["n_iter"]),
        violation=violation,
        optimality=float(np.abs(slope).max(initial=0.0)),
        constr_violation=constr_violation,
        tolerance=tol,
        nit=raw["n_iter"],
        n_inner=raw["n_inner"],
        trace=dict(raw["trace"]),
        **counts,
    )


def _message(
    status: Status, violation: float, constr_violation: float, tol: float, n_iter: int
) -> str:
    reached = (
        f"the violation is {violation:.3g}, wanted {tol:.3g}, that of the constraints alone "
        f"{constr_violation:.3g}, after {n_iter} steps"
    )
    if status == Status.CONVERGED:
        return f"{status.sentence}: {reached}."
    remedy = _REMEDIES.get(status, status.remedy)
    return f"{status.sentence} (Status.{status.name}): {reached}. {remedy}."


def warn_unless_converged(result: MinimizeResult) -> None:
    if not result.converged:
        text = f"minimize: {result.message}"
        warnings.warn(text, ConvergenceWarning, stacklevel=caller_level())


class Reporter(TableReporter):
    """Calls a callback of SciPy's kind after each step, prints the table, moves the bar."""

    COLUMNS = ("iteration", "seconds", "objective", "violation", "constraint_violation", "step")

    def __init__(
        self,
        callback: Callable[..., Any] | None,
        verbose: int,
        progress: bool,
        problem: Problem,
    ) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(f"callback must be callable or None; got {callback!r}")
        called = None if callback is None else _after_each_step(callback, problem)
        super().__init__(called, verbose, progress, self.COLUMNS, None, "step")

    def progress_note(self, row: Row) -> str:
        return f"violation {row['violation']:.1e}"


def _after_each_step(callback: Callable[..., Any], problem: Problem) -> Callback:
    takes_result = set(inspect.signature(callback).parameters) == {"intermediate_result"}

    def call(row: dict[str, float]) -> bool:
        if row["iteration"] == 0 or problem.iterate is None:
            return False
        x: Vector = problem.iterate[0].copy()
        try:
            if not takes_result:
                return bool(callback(x))
            reached = OptimizeResult(
                x=x,
                fun=row["objective"],
                nit=int(row["iteration"]),
                violation=row["violation"],
                constr_violation=row["constraint_violation"],
            )
            return bool(callback(intermediate_result=reached))
        except StopIteration:
            return True

    return call
