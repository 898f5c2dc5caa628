"""block_coordinate_descent: a problem, a partition, a selection rule and an update."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning

from cycloid import _core
from cycloid._inputs import (
    Vector,
    as_seed,
    check_finite_real,
    check_flag,
    check_integer,
    check_option,
    check_real,
    thread_count,
)
from cycloid._result import Callback, Row, Status, TableReporter, caller_level
from cycloid.optimize._block_problems import BlockProblem, CoreProblem

Partition: TypeAlias = Literal[
    "variable", "order", "sort", "average", "red-black", "forests", "greedy-forest"
]
Selection: TypeAlias = Literal[
    "random",
    "cyclic",
    "lipschitz",
    "gs",
    "gsl",
    "gsd",
    "gsq",
    "gs-s",
    "gs-r",
    "gs-q",
    "gsl-r",
    "gsl-q",
]
Update: TypeAlias = Literal["gradient", "backtracking", "matrix", "newton", "two-metric"]


@dataclass(frozen=True, eq=False)
class BlockDescentResult:
    """The point at which `block_coordinate_descent` ended.

    Attributes
    ----------
    x : ndarray of shape (n,), or (n_features, n_classes) for `Softmax`
        The solution, or how far it got.
    objective : float
        The objective at x.
    status : Status
        How the solve ended; `status.sentence` says it in words.
    violation : float
        Largest distance of a partial derivative of the smooth part, with its sign changed, from
        the subdifferential of the L1 penalty and the bounds, at x; without those the largest
        absolute derivative.
    tolerance : float
        The violation that was asked for.
    n_iter : int
        Updates of a block.
    seconds : float
        Wall-clock time.
    partition, selection, update : str
        The names of what was used; 'given' for blocks that were passed.
    trace : dict of str to ndarray
        One row an iteration, the start included: iteration, seconds (since the call began),
        objective, violation (as last computed: each iteration by the rules that need the whole
        gradient, else once so many coordinates were updated as there are) and block_size. Beyond
        1000 iterations rows get sparser, so that there are about 1000 more each time the number
        of iterations grows by a factor of e.
    """

    x: NDArray[np.float64] = field(repr=False)
    objective: float
    status: Status
    violation: float
    tolerance: float
    n_iter: int
    seconds: float
    partition: str
    selection: str
    update: str
    trace: dict[str, Vector] = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the violation reached the tolerance."""
        return self.status == Status.CONVERGED


def block_coordinate_descent(
    problem: BlockProblem,
    x0: ArrayLike | None = None,
    *,
    partition: Partition | Literal["auto"] | Sequence[ArrayLike] = "auto",
    selection: Selection | Literal["auto"] = "auto",
    update: Update | Literal["auto"] = "auto",
    block_size: int | None = None,
    rtol: float = 1e-6,
    tol: float = 0.0,
    max_iter: int = 10_000,
    random_state: Any = 0,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    progress: bool = False,
) -> BlockDescentResult:
    """DOC"""
    started = time.perf_counter()
    if not isinstance(problem, get_args(BlockProblem)):
        raise TypeError(
            "problem must be a LeastSquares, Logistic, Softmax or Quadratic; got "
            f"{type(problem).__name__}"
        )
    checked = problem.checked()
    names = _choose(checked, partition, selection, update)
    reporter = _Reporter(
        callback,
        check_integer("verbose", int(verbose) if isinstance(verbose, bool) else verbose, low=0),
        check_flag("progress", progress),
        _Reporter.COLUMNS,
        check_integer("max_iter", max_iter, low=0),
        "iteration",
    )
    try:
        raw = _core.descend_blocks(
            checked.kind,
            checked.A,
            checked.b,
            n_classes=checked.n_classes,
            l2=checked.l2,
            l1=checked.l1,
            lower=checked.lower,
            upper=checked.upper,
            x0=_as_start(x0, checked.shape),
            partition=names[0] if names[0] != "given" else _as_blocks(partition),
            block_size=_as_block_size(block_size, checked),
            selection=names[1],
            update=names[2],
            rtol=check_real("rtol", rtol),
            atol=check_finite_real("tol", tol),
            max_iter=max_iter,
            seed=as_seed(random_state),
            n_threads=thread_count(n_threads),
            time_limit=math.inf if time_limit is None else check_real("time_limit", time_limit),
            observer=reporter.observer,
        )
    finally:
        reporter.close()
    result = BlockDescentResult(
        x=raw["x"].reshape(checked.shape),
        objective=raw["objective"],
        status=Status(raw["status"]),  # type: ignore[call-arg]
        violation=raw["violation"],
        tolerance=raw["tolerance"],
        n_iter=raw["n_iter"],
        seconds=time.perf_counter() - started,
        partition=names[0],
        selection=names[1],
        update=names[2],
        trace=dict(raw["trace"]),
    )
    _warn_unless_converged(result)
    return result


# ------------------------------------------------------------------------------------- the choices


def _choose(problem: CoreProblem, partition: Any, selection: Any, update: Any) -> tuple[str, ...]:
    """Names of partition, selection and update, where 'auto' stands for what measured best."""
    forests = problem.kind == "quadratic" and problem.smooth
    if isinstance(partition, str):
        check_option("partition", partition, ("auto", *get_args(Partition)))
        if partition == "auto":
            partition = "greedy-forest" if forests else "variable"
    else:
        partition = "given"
    check_option("selection", selection, ("auto", *get_args(Selection)))
    if selection == "auto":
        selection = "gsd" if problem.smooth else "gsl-q"
    check_option("update", update, ("auto", *get_args(Update)))
    if update == "auto":
        update = "newton"
    return partition, selection, update


def _as_blocks(partition: Any) -> list[NDArray[np.intp]]:
    if not isinstance(partition, Sequence):
        raise TypeError(
            f"partition must be a name or a list of arrays of indices; got {partition!r}"
        )
    blocks = [np.asarray(block) for block in partition]
    for block in blocks:
        if block.ndim != 1 or block.dtype.kind not in "iu":
            raise TypeError(
                f"partition must hold one-dimensional arrays of integers; got {block!r}"
            )
    return [np.ascontiguousarray(block, dtype=np.intp) for block in blocks]


def _as_block_size(block_size: Any, problem: CoreProblem) -> int:
    if block_size is None:
        return min(problem.size, 100)
    return check_integer("block_size", block_size, low=1)


def _as_start(x0: Any, shape: tuple[int, ...]) -> Vector | None:
    if x0 is None:
        return None
    array = np.asarray(x0)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"x0 must hold real numbers; got {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"x0 must have shape {shape}; got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("x0 contains NaN or infinity")
    return np.ascontiguousarray(array, dtype=np.float64).ravel()


# -------------------------------------------------------------------------------------- the report


class _Reporter(TableReporter):
    COLUMNS = ("iteration", "seconds", "objective", "violation", "block_size")

    def progress_note(self, row: Row) -> str:
        return f"violation {row['violation']:.1e}"


def _warn_unless_converged(result: BlockDescentResult) -> None:
    if result.converged:
        return
    status = result.status
    warnings.warn(
        f"block_coordinate_descent: {status.sentence} (Status.{status.name}): the violation is "
        f"{result.violation:.3g}, wanted {result.tolerance:.3g}, after {result.n_iter} iterations "
        f"and {result.seconds:.3g} s. {status.remedy}.",
        ConvergenceWarning,
        stacklevel=caller_level(),
    )
