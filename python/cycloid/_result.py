"""What a solve returns; the one place that warns and the one place that prints."""

from __future__ import annotations

import enum
import inspect
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from cycloid import _core

Vector: TypeAlias = NDArray[np.float64]
Row: TypeAlias = Mapping[str, float]
Callback: TypeAlias = Callable[[dict[str, float]], bool | None]

__all__ = [
    "Callback",
    "OutputsPathResult",
    "OutputsResult",
    "PathResult",
    "Reporter",
    "Result",
    "Status",
    "TableReporter",
    "warn_unless_converged",
]


class Status(enum.IntEnum):
    """How a solve ended. The numbers are the core's; `sentence` says it, `remedy` what helps."""

    sentence: str
    remedy: str

    def __new__(cls, value: int, sentence: str, remedy: str) -> Status:
        member = int.__new__(cls, value)
        member._value_ = int(value)
        member.sentence = sentence
        member.remedy = remedy
        return member

    CONVERGED = (
        _core.Status.CONVERGED,
        "the tolerance was reached",
        "",
    )
    MAX_ITER = (
        _core.Status.MAX_ITER,
        "the iteration limit came before the tolerance was reached",
        "Increase max_iter, increase the tolerance or the regularization",
    )
    TIME_LIMIT = (
        _core.Status.TIME_LIMIT,
        "the time limit ended the solve",
        "Increase time_limit, increase the tolerance or the regularization",
    )
    STOPPED = (
        _core.Status.STOPPED,
        "the callback ended the solve",
        "Let the callback return None or False to go on",
    )
    STALLED = (
        _core.Status.STALLED,
        "rounding errors hide any further progress",
        "Increase the tolerance, scale the features to similar ranges, or pass X as float64",
    )
    NUMERICAL_ERROR = (
        _core.Status.NUMERICAL_ERROR,
        "a value overflowed or became NaN; the last finite solution is returned",
        "Scale X and y to moderate ranges",
    )
    INFEASIBLE = (
        _core.Status.INFEASIBLE,
        "no point nearby violates the constraints less",
        "Start elsewhere, or see whether the constraints contradict each other",
    )
    UNBOUNDED = (
        _core.Status.UNBOUNDED,
        "the objective falls without end",
        "See whether the problem lacks a constraint",
    )


@dataclass(frozen=True, eq=False)
class Result:
    """The solution at one penalty strength.

    Attributes
    ----------
    alpha : float
        Penalty strength.
    coef : ndarray of shape (n_features,)
        Coefficients in the units of X, float64.
    intercept : float
        Intercept, 0 if none was fitted.
    status : Status
        How the solve ended; `status.sentence` says it in words.
    gap : float
        Duality gap, `objective - dual_objective`: the objective is at most this far above its
        minimum. Same unit as the objective; `inf` where no dual point is known.
    tolerance : float
        The gap that was asked for, in the same unit.
    objective, dual_objective : float
        Objective at the returned point, and the best lower bound of its minimum.
    violation : float
        Largest distance of a partial derivative of the loss, with its sign changed, from the
        subdifferential of the penalty; the intercept's derivative included. With `standardize`
        the derivatives are those by d_j beta_j (see `enet_path`).
    n_iter : int
        Outer iterations: working sets, or Newton steps on one.
    seconds : float
        Wall-clock time.
    trace : dict of str to ndarray
        One row an outer iteration: alpha, iteration, seconds (since the call began), objective,
        gap, violation, n_active, n_working, n_screened, n_epochs, n_newton.
    """

    alpha: float
    coef: Vector = field(repr=False)
    intercept: float
    status: Status
    gap: float
    tolerance: float
    objective: float
    dual_objective: float
    violation: float
    n_iter: int
    seconds: float
    trace: dict[str, Vector] = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the gap reached the tolerance."""
        return self.status == Status.CONVERGED


@dataclass(frozen=True, eq=False)
class PathResult:
    """The solutions along a path of penalty strengths, in the order in which they were solved.

    Iterating gives `alphas, coefs, gaps`, which is what scikit-learn's path functions return.

    Attributes
    ----------
    alphas : ndarray of shape (n_alphas,)
        Penalty strengths; those that were reached, if a callback or the time limit ended the path.
    coefs : ndarray of shape (n_features, n_alphas)
        Coefficients in the units of X, float64. Made on first use; `coefs_sparse` holds them.
    coefs_sparse : csc_array of shape (n_features, n_alphas)
        The same, only the non-zeros.
    intercepts, gaps, objectives, dual_objectives, violations, seconds : ndarray (n_alphas,)
        See `Result`.
    n_iters : ndarray of int of shape (n_alphas,)
        Outer iterations at each strength.
    statuses : tuple of Status
        How each solve ended.
    status : Status
        How the path ended: CONVERGED if every strength that was asked for is solved to the
        tolerance, else the status of the first one that is not.
    n_missing : int
        Number of strengths that a callback or the time limit left out, those after `alphas`.
    trace : dict of str to ndarray
        One row an outer iteration, all strengths one after the other.
    alpha_max : float
        Smallest strength at which all penalised coefficients are zero; `inf` without L1 penalty.
    null_objective : float
        Objective of the model without features: best intercept alone, or zero.
    tolerance : float
        The duality gap that was asked for, absolute.
    """

    alphas: Vector = field(repr=False)
    coefs_sparse: sparse.csc_array = field(repr=False)
    intercepts: Vector = field(repr=False)
    gaps: Vector = field(repr=False)
    objectives: Vector = field(repr=False)
    dual_objectives: Vector = field(repr=False)
    violations: Vector = field(repr=False)
    n_iters: NDArray[np.int64] = field(repr=False)
    statuses: tuple[Status, ...] = field(repr=False)
    status: Status
    n_missing: int
    seconds: Vector = field(repr=False)
    trace: dict[str, Vector] = field(repr=False)
    alpha_max: float
    null_objective: float
    tolerance: float

    @classmethod
    def from_core(
        cls,
        raw: Mapping[str, Any],
        *,
        n_features: int,
        n_missing: int,
        cut: Status,
        tolerance: float,
    ) -> PathResult:
        """From the dictionary of `_core.solve_glm_path`; `cut` is why values are missing, if so."""
        return cls(
            coefs_sparse=_coefs_sparse(raw, n_features),
            intercepts=raw["intercepts"],
            n_missing=n_missing,
            tolerance=tolerance,
            **_path_fields(raw, n_missing, cut),
        )

    @cached_property
    def coefs(self) -> Vector:
        dense: Vector = self.coefs_sparse.toarray()
        return dense

    @property
    def converged(self) -> bool:
        """Whether all strengths were solved and every gap reached the tolerance."""
        return self.status == Status.CONVERGED

    def __iter__(self) -> Iterator[Vector]:
        return iter((self.alphas, self.coefs, self.gaps))

    def at(self, index: int) -> Result:
        """The solution at `alphas[index]`."""
        return Result(
            coef=self.coefs_sparse[:, [index]].toarray().ravel(),
            intercept=float(self.intercepts[index]),
            **self._fields_at(index),
        )

    def _fields_at(self, index: int) -> dict[str, Any]:
        """What a solution has beside coefficients and intercept."""
        alpha = float(self.alphas[index])
        rows = self.trace["alpha"] == alpha
        return {
            "alpha": alpha,
            "status": self.statuses[index],
            "gap": float(self.gaps[index]),
            "tolerance": self.tolerance,
            "objective": float(self.objectives[index]),
            "dual_objective": float(self.dual_objectives[index]),
            "violation": float(self.violations[index]),
            "n_iter": int(self.n_iters[index]),
            "seconds": float(self.seconds[index]),
            "trace": {name: column[rows] for name, column in self.trace.items()},
        }


@dataclass(frozen=True, eq=False)
class OutputsResult(Result):
    """The solution of a model of several outputs (targets or classes) at one penalty strength.

    Attributes
    ----------
    coef : ndarray of shape (n_outputs, n_features)
        Coefficients in the units of X, float64.
    intercept : ndarray of shape (n_outputs,)
        Intercepts, 0 if none were fitted.
    violation : float
        As in `Result`; where the penalty has the norm of a group, the Euclidean distance of that
        group's derivatives from the subdifferential.
    alpha, status, gap, tolerance, objective, dual_objective, n_iter, seconds, trace
        See `Result`.
    """

    intercept: Vector  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class OutputsPathResult(PathResult):
    """The solutions of a model of several outputs along a path of penalty strengths.

    Iterating gives `alphas, coefs, gaps`, which is what scikit-learn's path functions return.

    Attributes
    ----------
    coefs : ndarray of shape (n_outputs, n_features, n_alphas)
        Coefficients in the units of X, float64. Made on first use; `coefs_sparse` holds them.
    coefs_sparse : csc_array of shape (n_features * n_outputs, n_alphas)
        The same, only the non-zeros; the outputs of a feature lie side by side.
    intercepts : ndarray of shape (n_outputs, n_alphas)
        Intercepts.
    n_outputs : int
        Number of targets or classes.
    alphas, gaps, objectives, dual_objectives, violations, seconds, n_iters, statuses, status, \
            n_missing, trace, alpha_max, null_objective, tolerance
        See `PathResult`.
    """

    n_outputs: int

    @classmethod
    def from_outputs(
        cls,
        raw: Mapping[str, Any],
        *,
        n_features: int,
        n_outputs: int,
        n_missing: int,
        cut: Status,
        tolerance: float,
    ) -> OutputsPathResult:
        """From the dictionary of `_core.solve_group_path`."""
        return cls(
            coefs_sparse=_coefs_sparse(raw, n_features * n_outputs),
            intercepts=raw["intercepts"].reshape(-1, n_outputs).T,
            n_outputs=n_outputs,
            n_missing=n_missing,
            tolerance=tolerance,
            **_path_fields(raw, n_missing, cut),
        )

    @cached_property
    def coefs(self) -> Vector:
        dense: Vector = self.coefs_sparse.toarray()
        return dense.reshape(-1, self.n_outputs, dense.shape[1]).transpose(1, 0, 2)

    def at(self, index: int) -> OutputsResult:
        """The solution at `alphas[index]`."""
        fields = self._fields_at(index)
        coef = self.coefs_sparse[:, [index]].toarray().reshape(-1, self.n_outputs)
        fields |= {"coef": np.ascontiguousarray(coef.T), "intercept": self.intercepts[:, index]}
        return OutputsResult(**fields)


def _coefs_sparse(raw: Mapping[str, Any], n_rows: int) -> sparse.csc_array:
    parts = (raw["data"], raw["indices"], raw["indptr"])
    return sparse.csc_array(parts, shape=(n_rows, len(raw["alphas"])))


def _path_fields(raw: Mapping[str, Any], n_missing: int, cut: Status) -> dict[str, Any]:
    """What paths of all kinds have in common."""
    statuses = tuple(Status(int(code)) for code in raw["status"])  # type: ignore[call-arg]
    endings = (*statuses, *[cut] * n_missing, Status.CONVERGED)
    return {
        "alphas": raw["alphas"],
        "gaps": raw["gap"],
        "objectives": raw["objective"],
        "dual_objectives": raw["dual_objective"],
        "violations": raw["violation"],
        "n_iters": raw["n_iter"],
        "statuses": statuses,
        "status": next((s for s in endings if s != Status.CONVERGED), Status.CONVERGED),
        "seconds": raw["seconds"],
        "trace": dict(raw["trace"]),
        "alpha_max": raw["alpha_max"],
        "null_objective": raw["null_objective"],
    }


# ------------------------------------------------------------------------------------- the warning


def warn_unless_converged(who: str, *paths: PathResult) -> None:
    """One ConvergenceWarning for all paths of one call: what happened, how far, what helps."""
    if all(path.converged for path in paths):
        return
    points = [
        (path, index)
        for path in paths
        for index, status in enumerate(path.statuses)
        if status != Status.CONVERGED
    ]
    total = sum(len(path.alphas) + path.n_missing for path in paths)
    missing = sum(path.n_missing for path in paths)
    message = f"{who}: "
    if total > 1:
        message += f"{len(points) + missing} of {total} solves did not converge"
        message += f", {missing} of them not begun. " if missing else ". "
    if points:
        path, worst = max(points, key=lambda pair: pair[0].gaps[pair[1]])
        status = path.statuses[worst]
        message += (
            f"At alpha={path.alphas[worst]:.6g} {status.sentence} (Status.{status.name}): the "
            f"duality gap is {path.gaps[worst]:.3g}, wanted {path.tolerance:.3g}, after "
            f"{path.n_iters[worst]} iterations and {path.seconds[worst]:.3g} s. "
        )
    else:
        path = next(path for path in paths if path.n_missing)
        status = path.status
        message += f"After alpha={path.alphas[-1]:.6g} {status.sentence} (Status.{status.name}). "
    warnings.warn(f"{message}{status.remedy}.", ConvergenceWarning, stacklevel=caller_level())


def caller_level() -> int:
    """The `stacklevel` of the first frame outside this package, seen from our caller."""
    package = os.path.dirname(os.path.abspath(__file__)) + os.sep
    frame = inspect.currentframe()
    level = 0
    while frame is not None and frame.f_code.co_filename.startswith(package):
        frame = frame.f_back
        level += 1
    return level


# ------------------------------------------------------------------------------------ the printing


class Reporter:
    """The one observer of a solve: calls `callback`, prints the table, moves the progress bar.

    Parameters
    ----------
    callback : callable or None
        Called with each row; a true value stops the solve.
    verbose : int
        0 prints nothing, 1 one line a penalty strength, 2 one line a row that the core reports.
    progress : bool
        Whether to show a progress bar; needs tqdm.
    n_alphas : int
        Length of the path, for the bar.
    """

    COLUMNS = ("iteration", "seconds", "objective", "gap", "violation", "n_active", "n_working")

    def __init__(
        self, callback: Callback | None, verbose: int, progress: bool, n_alphas: int
    ) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(f"callback must be callable or None; got {callback!r}")
        self._callback = callback
        self._verbose = verbose
        self._bar = progress_bar(n_alphas, "alpha") if progress else None
        self._last: dict[str, float] | None = None
        self.asked_to_stop = False

    @property
    def observer(self) -> Callback | None:
        """What the core calls, None if nobody listens."""
        silent = self._callback is None and not self._verbose and self._bar is None
        return None if silent else self._observe

    def _observe(self, row: dict[str, float]) -> bool:
        last, self._last = self._last, dict(row)
        if last is not None and row["alpha"] != last["alpha"]:
            self._finish_alpha(last)
        if self._verbose:
            if last is None:
                print(" ".join(f"{name:>12}" for name in ("alpha", *self.COLUMNS)), flush=True)
            if self._verbose > 1:
                _print_row(row)
        self.asked_to_stop = self._callback is not None and bool(self._callback(row))
        return self.asked_to_stop

    def _finish_alpha(self, row: Row) -> None:
        if self._verbose == 1:
            _print_row(row)
        if self._bar is not None:
            self._bar.set_postfix_str(f"gap {row['gap']:.1e}, {row['n_active']:.0f} active")
            self._bar.update()

    def close(self) -> None:
        """After the solve, however it ended."""
        if self._last is not None:
            self._finish_alpha(self._last)
        if self._bar is not None:
            self._bar.close()


class TableReporter:
    """The observer of a solve that is not a path: one line a row, one bar for all.

    `columns` are those that are printed; the first counts what the bar counts, up to `total`.
    """

    def __init__(
        self,
        callback: Callback | None,
        verbose: int,
        progress: bool,
        columns: tuple[str, ...],
        total: int | None,
        unit: str,
    ) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(f"callback must be callable or None; got {callback!r}")
        self._callback = callback
        self._verbose = verbose
        self._columns = columns
        self._bar = progress_bar(total, unit) if progress else None
        self._rows = 0

    @property
    def observer(self) -> Callback | None:
        """What the core calls, None if nobody listens."""
        silent = self._callback is None and not self._verbose and self._bar is None
        return None if silent else self._observe

    def progress_note(self, row: Row) -> str:
        """What stands beside the progress bar."""
        raise NotImplementedError

    def _observe(self, row: dict[str, float]) -> bool:
        if self._verbose:
            if self._rows == 0:
                print(" ".join(f"{name:>11}" for name in self._columns), flush=True)
            print(" ".join(f"{row[name]:11.4g}" for name in self._columns), flush=True)
        self._rows += 1
        if self._bar is not None:
            self._bar.set_postfix_str(self.progress_note(row))
            self._bar.update(int(row[self._columns[0]]) - self._bar.n)
        return self._callback is not None and bool(self._callback(row))

    def close(self) -> None:
        """After the solve, however it ended."""
        if self._bar is not None:
            self._bar.close()


def _print_row(row: Row) -> None:
    cells = " ".join(f"{row[name]:12.5g}" for name in Reporter.COLUMNS)
    print(f"{row['alpha']:12.5g} {cells}", flush=True)


def print_fold(done: int, total: int, l1_ratio: float, path: PathResult) -> None:
    """One line of a cross-validation's table."""
    print(
        f"fold {done}/{total}: l1_ratio {l1_ratio:g}, {len(path.alphas)} alphas in "
        f"{path.seconds.sum():.3g} s, largest gap {path.gaps.max():.1e} "
        f"(wanted {path.tolerance:.1e})",
        flush=True,
    )


def progress_bar(total: int | None, unit: str) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError(
            "progress=True needs tqdm, which is not installed: pip install tqdm"
        ) from error
    return tqdm(total=total, unit=unit)
