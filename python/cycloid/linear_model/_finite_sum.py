"""Smooth models by the Newton engine: from validated arrays to the core and back."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite

from cycloid import _core
from cycloid._inputs import (
    Vector,
    as_seed,
    check_integer,
    check_real,
    thread_count,
)
from cycloid._result import Callback, Row, Status, TableReporter, caller_level

Matrix: TypeAlias = NDArray[np.float64]
Loss: TypeAlias = Literal["squared", "logistic", "poisson", "multinomial"]


@dataclass(frozen=True, eq=False)
class NewtonResult:
    """A smooth linear model, fitted by Newton's method.

    Attributes
    ----------
    coef : ndarray of shape (n_outputs, n_features)
        Coefficients in the units of X, float64.
    intercept : ndarray of shape (n_outputs,)
        Intercepts, zeros if none were fitted.
    status : Status
        How the solve ended; `status.sentence` says it in words.
    objective : float
        Mean loss plus penalty at the returned point.
    gap : float
        Duality gap of the solve: the objective is at most this far above its minimum, up to what
        the intercept still has to gain, which is estimated. `inf` where nothing is known: without
        a penalty, and under constraints.
    violation : float
        Without constraints the largest partial derivative of the objective, by its size. Under
        constraints the Euclidean norm of the derivatives of the Lagrangian and of the violations of
        the constraints, all together.
    constraint_violation : float
        Largest violation of one constraint; 0 where there are none.
    multipliers : ndarray of shape (n_constraints,)
        Of the constraints, in the scale of `objective`.
    tolerance : float
        What was asked for: of `violation`, or of `gap` where `tolerance_of` says so.
    tolerance_of : {'gap', 'violation'}
        What the solve was to bring below `tolerance`.
    n_iter : int
        Newton steps.
    n_inner : int
        Iterations of conjugate gradients, each one pass over X.
    seconds : float
        Wall-clock time.
    trace : dict of str to ndarray
        One row a Newton step: iteration, seconds, objective, violation, n_inner, step (the share
        of the step that was taken) and more.
    """

    coef: Matrix = field(repr=False)
    intercept: Vector = field(repr=False)
    status: Status
    objective: float
    gap: float
    violation: float
    constraint_violation: float
    multipliers: Vector = field(repr=False)
    tolerance: float
    tolerance_of: str
    n_iter: int
    n_inner: int
    seconds: float
    trace: dict[str, Vector] = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the tolerance was reached."""
        return self.status == Status.CONVERGED


@dataclass(frozen=True, kw_only=True)
class SumControls:
    """When a solve stops, how it computes and who watches."""

    max_iter: int
    seed: int
    n_threads: int
    time_limit: float
    callback: Callback | None
    verbose: int


def sum_controls(
    *,
    max_iter: Any,
    random_state: Any,
    n_threads: Any,
    time_limit: Any,
    callback: Any,
    verbose: Any,
) -> SumControls:
    return SumControls(
        max_iter=check_integer("max_iter", max_iter, low=1),
        seed=as_seed(random_state),
        n_threads=thread_count(n_threads),
        time_limit=math.inf if time_limit is None else check_real("time_limit", time_limit),
        callback=callback,
        verbose=check_integer(
            "verbose", int(verbose) if isinstance(verbose, bool | np.bool_) else verbose, low=0
        ),
    )


@dataclass(frozen=True, kw_only=True)
class SumProblem:
    """sum_i w_i loss(y_i, W x_i + b) / sum_i w_i + ridge / 2 ||W||^2, all checked."""

    X: Any
    y: Vector
    weights: Vector | None
    loss: Loss
    n_outputs: int
    ridge: float
    fit_intercept: bool

    def keywords(self) -> dict[str, Any]:
        return {
            "loss": self.loss,
            "outputs": self.n_outputs,
            "ridge": self.ridge,
            "intercept": self.fit_intercept,
        }

    def split(self, point: Vector) -> tuple[Matrix, Vector]:
        """Coefficients and intercepts."""
        count = self.n_outputs * self.X.shape[1]
        coef = point[:count].reshape(self.n_outputs, -1)
        intercept = point[count:] if self.fit_intercept else np.zeros(self.n_outputs)
        return coef, intercept

    def join(self, coef: Matrix, intercept: Vector) -> Vector:
        parts = [coef.ravel(), intercept] if self.fit_intercept else [coef.ravel()]
        return np.ascontiguousarray(np.concatenate(parts), dtype=np.float64)


def newton_sketch(
    problem: SumProblem,
    control: SumControls,
    *,
    gradient_tol: float = 0.0,
    gap_tol: float = 0.0,
    start: Vector | None = None,
) -> NewtonResult:
    """The minimiser, without constraints. Stops at the first of the two tolerances."""
    reporter = SumReporter(control, ("iteration", "seconds", "objective", "gap", "violation"))
    try:
        raw = _core.newton_sketch(
            problem.X,
            problem.y,
            problem.weights,
            **problem.keywords(),
            start=start,
            gradient_tol=gradient_tol,
            gap_tol=gap_tol,
            max_iter=control.max_iter,
            seed=control.seed,
            n_threads=control.n_threads,
            time_limit=control.time_limit,
            observer=reporter.observer,
        )
    finally:
        reporter.close()
    if gap_tol > 0:
        return newton_result(problem, raw, gap_tol, "gap")
    return newton_result(problem, raw, gradient_tol, "violation")


def newton_result(
    problem: SumProblem, raw: Mapping[str, Any], tolerance: float, tolerance_of: str
) -> NewtonResult:
    status = Status(int(raw["status"]))  # type: ignore[call-arg]
    if status == Status.NUMERICAL_ERROR:
        # The core meets NaN and infinity in its first pass; X is not read for them before.
        assert_all_finite(
            problem.X.data if hasattr(problem.X, "indptr") else problem.X, input_name="X"
        )
    coef, intercept = problem.split(raw["point"])
    if problem.loss == "multinomial":  # only their differences are determined
        intercept = intercept - intercept.mean()
    return NewtonResult(
        coef=coef,
        intercept=intercept,
        status=status,
        objective=raw["objective"],
        gap=raw.get("gap", math.inf),
        violation=raw["violation"],
        constraint_violation=raw.get("constraint_violation", 0.0),
        multipliers=raw.get("multipliers", np.zeros(0)),
        tolerance=tolerance,
        tolerance_of=tolerance_of,
        n_iter=raw["n_iter"],
        n_inner=raw["n_inner"],
        seconds=float(raw["trace"]["seconds"][-1]),
        trace=dict(raw["trace"]),
    )


def warn_unless_solved(who: str, result: NewtonResult) -> None:
    """A ConvergenceWarning: what happened, how far, what helps."""
    if result.converged:
        return
    reached = result.gap if result.tolerance_of == "gap" else result.violation
    meaning = "duality gap" if result.tolerance_of == "gap" else "violation of optimality"
    message = (
        f"{who}: {result.status.sentence} (Status.{result.status.name}): the {meaning} is "
        f"{reached:.3g}, wanted {result.tolerance:.3g}, after {result.n_iter} iterations and "
        f"{result.seconds:.3g} s. {result.status.remedy}."
    )
    warnings.warn(message, ConvergenceWarning, stacklevel=caller_level())


class SumReporter(TableReporter):
    def __init__(self, control: SumControls, columns: tuple[str, ...]) -> None:
        super().__init__(
            control.callback, control.verbose, False, columns, control.max_iter, "step"
        )

    def progress_note(self, row: Row) -> str:
        return f"violation {row['violation']:.1e}"


def constant_model_loss(problem: SumProblem) -> float:
    """Mean logistic or multinomial loss of the best model without features."""
    n_classes = max(problem.n_outputs, 2)
    if not problem.fit_intercept:
        return math.log(n_classes)
    codes = (problem.y > 0) if problem.loss == "logistic" else problem.y
    shares = np.bincount(codes.astype(np.intp), weights=problem.weights, minlength=n_classes)
    positive = shares[shares > 0] / shares.sum()
    return float(-(positive * np.log(positive)).sum())
