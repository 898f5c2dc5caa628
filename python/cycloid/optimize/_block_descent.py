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
    """Minimise a problem by changing a block of coordinates at a time.

    Over x within the bounds, for a smooth convex f and an L1 penalty::

        minimise F(x) = f(x) + sum_j l1_j |x_j|,   lower <= x <= upper

    where f is the smooth part of `LeastSquares`, `Logistic`, `Softmax` or `Quadratic`. With g its
    gradient, L_j its coordinates' Lipschitz constants, and for a block b the largest eigenvalue L_b
    of H_b, a matrix above the block's Hessian everywhere: partition, selection and update are
    those of [1]_, and any three go together unless it is said below.

    Parameters
    ----------
    problem : LeastSquares, Logistic, Softmax or Quadratic
        What is minimised.
    x0 : array-like of the shape of x, default=None
        Where to start; coordinates outside the bounds begin at them. None: at zero, or where the
        box is nearest to it.
    partition : {'auto', 'variable', 'order', 'sort', 'average', 'red-black', 'forests', \
'greedy-forest'} or list of arrays of int, default='auto'
        'variable': a block is any `block_size` coordinates, chosen anew for each update. Fixed
        blocks of that size: consecutive coordinates ('order'), those of similar L_j ('sort'), or
        small and large L_j mixed ('average'); or the blocks of a list, which hold each coordinate
        once. For `Quadratic` alone, blocks of a size of their own: 'red-black' (no couplings
        within a block), 'forests' (a few blocks without cycles), and 'greedy-forest' (chosen
        anew for each update: the coordinates in the order of their scores, each that closes no
        cycle). Their 'matrix' and 'newton' updates cost O(block), by messages along the trees,
        unless there is an L1 penalty or a bound. 'auto': 'greedy-forest' for a `Quadratic` without
        those, else 'variable'.
    selection : {'auto', 'random', 'cyclic', 'lipschitz', 'gs', 'gsl', 'gsd', 'gsq', 'gs-s', \
'gs-r', 'gs-q', 'gsl-r', 'gsl-q'}, default='auto'
        The block that is updated next. 'random': any. 'cyclic': fixed blocks in turn, variable
        ones cut from a new permutation each pass. 'lipschitz': at random in proportion to L_b or
        L_j. The greedy rules take the block of the largest score, and a variable block the
        coordinates of the largest scores: 'gs' ``|g_b|``; 'gsl' ``|g_b| / sqrt(L_b)``, for
        variable blocks and forests with bounds of the row sums of ``|H|`` in the place of L; 'gsd'
        ``sum_j g_j^2 / L_j``; 'gsq' ``g_b' H_b^-1 g_b``, for variable blocks approximately, by
        iterative hard thresholding. They do not see an L1 penalty or bounds; there the
        proximal rules take their place (and elsewhere, too): 'gs-s' the distance of -g from the
        subdifferential, 'gs-r' the length of the proximal gradient step, 'gs-q' the decrease that
        it promises, with the largest L_j; 'gsl-r' and 'gsl-q' with each coordinate's own. 'auto':
        'gsd', or 'gsl-q' with an L1 penalty or bounds.
    update : {'auto', 'gradient', 'backtracking', 'matrix', 'newton', 'two-metric'}, default='auto'
        'gradient': a step 1 / L_b. 'backtracking': with a constant found by doubling and halving.
        'matrix': to the minimum of the model with H_b. 'newton': of the model with the block's
        Hessian, with a line search. With an L1 penalty or bounds these are the proximal
        versions, whose models are minimised exactly. 'two-metric': Newton's step for coordinates
        away from zero and the bounds, a gradient step for those held there, projected: one
        factorization in the place of a quadratic program. 'auto': 'newton', or 'two-metric' with
        an L1 penalty or bounds.
    block_size : int, default=None
        Number of coordinates of a block. None: 100, or all if there are fewer.
    rtol : float, default=1e-6
        Solved when the violation is at most `rtol` times the violation at zero (or where the box
        is nearest to it), or at most `tol`.
    tol : float, default=0.0
        The same, absolute, in the unit of a derivative of F.
    max_iter : int, default=10000
        Limit on updates.
    random_state : int, RandomState instance or None, default=0
        Seed of the random rules.
    n_threads : int, default=None
        Number of threads, with the same result for any. None: the environment variable
        CYCLOID_NUM_THREADS, else all CPUs that the process may use, within OpenMP's limits;
        -1: all CPUs.
    time_limit : float, default=None
        Seconds after which the solve ends where it is.
    callback : callable, default=None
        Called with rows of the trace, a dictionary each; a true value ends the solve. Rows that
        follow each other within 50 ms may be left out.
    verbose : int, default=0
        1 prints a line for each such row.
    progress : bool, default=False
        Whether to show a progress bar (needs tqdm).

    Returns
    -------
    BlockDescentResult
        x, objective, violation, status and trace.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument or a part of the problem has a wrong value or shape, or if the rules do not
        go together.
    ImportError
        If `progress` is asked for without tqdm.

    Warns
    -----
    ConvergenceWarning
        If the violation stays above the tolerance; the message says why and what helps.

    Notes
    -----
    The objective falls with each update, whatever the rules. A greedy rule needs the whole
    gradient, a pass over A; `Quadratic` keeps it, and the scores in a heap, so that an update costs
    about as many operations as its coordinates have neighbours, times log n.

    The defaults measured best on the problems of [1]_ at the paper's sizes
    (`bench/block_rules.py`; one thread, CPU seconds). Least squares, 1,000 x 10,000, matrix updates
    of 50 coordinates, f from 7e6 to 1e-8: 'gsq' 103 updates, 0.8 s; 'gsd' 225, 0.3 s; 'gsl' 428,
    0.5 s; 'gs' not within 500. With an L1 penalty and x >= 0, blocks of 100 and 'gsl-q',
    'two-metric' ended at the minimum after 3 updates, 'newton' came within 1e-8 after 10 and
    'gradient' within 6e2 after 20. On a lattice of 2,400 unknowns 500 updates of greedy forests
    ended 8 orders of magnitude nearer to the minimum than red-black ones, on the graph of two moons
    3 orders, 'gs', 'gsl' and 'gsd' alike.

    References
    ----------
    .. [1] J. Nutini, I. Laradji, M. Schmidt, "Let's make block coordinate descent converge faster:
       faster greedy rules, message-passing, active-set complexity, and superlinear convergence",
       JMLR 23(131), 2022: blocks and rules in section 3, updates in section 4, message passing in
       section 5, two-metric projection in section 6.

    Examples
    --------
    A regression with non-negative, sparse coefficients:

    >>> import numpy as np
    >>> from cycloid.optimize import LeastSquares, block_coordinate_descent
    >>> rng = np.random.default_rng(0)
    >>> A = rng.standard_normal((50, 200))
    >>> b = A[:, :3] @ [3.0, 2.0, -1.0]
    >>> result = block_coordinate_descent(LeastSquares(A, b, l1=5.0, lower=0), block_size=20)
    >>> np.flatnonzero(result.x)[:2], bool(result.converged)
    (array([0, 1]), True)
    """
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
        update = "newton" if problem.smooth else "two-metric"
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
