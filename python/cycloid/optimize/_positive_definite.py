"""Sparse symmetric positive definite systems."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array

from cycloid import _core
from cycloid._inputs import check_finite_real, check_integer, check_option, check_real, viewable
from cycloid._result import Callback, Row, Status, TableReporter, Vector, caller_level

PRECONDITIONERS = ("auto", "forest", "sampled")


@dataclass(frozen=True, eq=False)
class PositiveDefiniteResult:
    """The solution of a symmetric positive definite system.

    Attributes
    ----------
    x : ndarray of shape (n,) or (n, k)
        The solution, of the shape of b.
    status : Status
        How the solve ended; `status.sentence` says it in words.
    violation : float
        Largest `norm(b - A @ x) / norm(b)` of a right-hand side, recomputed at x.
    tolerance : float
        The violation that was asked for.
    error_bound : float
        No entry of x is farther from the exact solution. Known where A is diagonally dominant
        without a positive entry off its diagonal, as a graph's Laplacian with something added to
        the diagonal; else `inf`.
    n_iter : int
        Steps of conjugate gradients, 0 where elimination alone solved the system.
    n_eliminated, n_factor : int
        Unknowns that elimination removed, and the entries of its factor.
    seconds : float
        Wall-clock time.
    trace : dict of str to ndarray
        One row a step: iteration, seconds (since the call began), violation (of conjugate
        gradients, updated, not recomputed; the last row is `violation` itself).
    """

    x: Vector = field(repr=False)
    status: Status
    violation: float
    tolerance: float
    error_bound: float
    n_iter: int
    n_eliminated: int
    n_factor: int
    seconds: float
    trace: dict[str, Vector] = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the violation reached the tolerance."""
        return self.status == Status.CONVERGED


class Reporter(TableReporter):
    """Prints the residuals of conjugate gradients."""

    COLUMNS = ("iteration", "seconds", "violation")

    def __init__(self, callback: Callback | None, verbose: int) -> None:
        super().__init__(callback, verbose, False, self.COLUMNS, None, "step")

    def progress_note(self, row: Row) -> str:
        return f"violation {row['violation']:.1e}"


def solve_positive_definite(
    A: Any,
    b: ArrayLike,
    *,
    rtol: float = 1e-10,
    max_iter: int = 10_000,
    preconditioner: str = "auto",
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
) -> PositiveDefiniteResult:
    """Solve A x = b for a sparse symmetric positive definite matrix A.

    Unknowns of few neighbours are eliminated first, in order of their number of neighbours, which
    costs time linear in the entries that it makes; on a forest this is message passing [1]_ and
    makes none. Many graphs are solved by that alone. What would be filled too much is left to
    conjugate gradients, all right-hand sides at once, with a preconditioner.

    Parameters
    ----------
    A : {array-like, sparse array} of shape (n, n)
        Symmetric up to rounding errors, positive definite, float32 or float64. CSR and CSC are
        read where they lie, others are converted. Never written to. Not meant for dense matrices,
        which `scipy.linalg.solve` handles.
    b : array-like of shape (n,) or (n, k)
        One right-hand side, or k of them.
    rtol : float, default=1e-10
        Stop where `norm(b - A @ x) <= rtol * norm(b)` for each right-hand side.
    max_iter : int, default=10000
        Limit on the steps of conjugate gradients.
    preconditioner : {'auto', 'forest', 'sampled'}, default='auto'
        'forest': exact updates of blocks whose couplings form forests, there and back (block
        Gauss-Seidel over a tree partition [1]_); for every positive definite matrix. 'sampled': an
        approximate elimination in which the couplings among the neighbours of an eliminated
        unknown are replaced by a random tree of them [2]_; needs A diagonally dominant without
        positive entries off its diagonal. 'auto': 'sampled' where that holds, else 'forest'.
    time_limit : float, default=None
        Seconds after which the solve ends with the point reached.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms and at least once. True stops
        the solve; an exception passes through unchanged.
    verbose : int, default=0
        1 prints a line a reported step.

    Returns
    -------
    PositiveDefiniteResult
        The solution with its violation and, where one is known, a bound of its error.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If one has a wrong value or shape, or NaN or infinity; if A is not symmetric.
    numpy.linalg.LinAlgError
        If a pivot or a curvature is not positive: A is not positive definite.

    Warns
    -----
    ConvergenceWarning
        If the violation stays above the tolerance; the message says why and what helps.

    References
    ----------
    .. [1] J. Nutini, I. Laradji, M. Schmidt, "Let's make block coordinate descent converge faster:
       faster greedy rules, message-passing, active-set complexity, and superlinear convergence",
       JMLR 23(131), 2022, section 4.
    .. [2] Y. Gao, R. Kyng, D. A. Spielman, "Robust and practical solution of Laplacian equations
       by approximate elimination", 2023, Algorithm 3.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from cycloid.optimize import solve_positive_definite
    >>> A = sparse.diags_array([2.1, -1.0, -1.0], offsets=[0, 1, -1], shape=(1000, 1000))
    >>> result = solve_positive_definite(A, np.ones(1000))
    >>> result.converged, result.n_eliminated
    (True, 1000)
    >>> bool(np.allclose(A @ result.x, 1.0))
    True
    """
    limit = math.inf if time_limit is None else check_real("time_limit", time_limit)
    rtol = check_finite_real("rtol", rtol)
    max_iter = check_integer("max_iter", max_iter, low=1)
    check_option("preconditioner", preconditioner, PRECONDITIONERS)
    reporter = Reporter(callback, check_integer("verbose", int(verbose), low=0))
    A = as_symmetric(A, "A")
    b = check_array(b, dtype=np.float64, ensure_2d=False, input_name="b")
    if b.ndim > 2 or b.shape[0] != A.shape[0] or b.size == 0:
        raise ValueError(
            f"b must have shape ({A.shape[0]},) or ({A.shape[0]}, k), a row for each row of A; "
            f"got {b.shape}"
        )
    columns = np.ascontiguousarray(b.reshape(len(b), -1))
    raw = _core.solve_positive_definite(
        A,
        columns,
        rtol=rtol,
        max_iter=max_iter,
        degree=-1,
        fill=-1.0,
        preconditioner=preconditioner,
        time_limit=limit,
        observer=reporter.observer,
    )
    if not raw["positive_definite"]:
        raise np.linalg.LinAlgError("A must be positive definite; a pivot is not positive")
    result = PositiveDefiniteResult(
        x=raw["x"].reshape(b.shape),
        status=Status(raw["status"]),  # type: ignore[call-arg]
        tolerance=rtol,
        **{
            name: raw[name]
            for name in ("violation", "error_bound", "n_iter", "n_eliminated", "n_factor")
        },
        seconds=raw["seconds"],
        trace=dict(raw["trace"]),
    )
    warn_unless_converged("solve_positive_definite", result)
    return result


def as_symmetric(A: Any, name: str) -> Any:
    """A square matrix as the core views it, CSR or CSC; its symmetry is seen there."""
    A = check_array(
        A,
        accept_sparse=("csr", "csc"),
        accept_large_sparse=True,
        dtype=[np.float64, np.float32],
        input_name=name,
    )
    if A.shape[0] != A.shape[1]:
        raise ValueError(f"{name} must be square; got shape {A.shape}")
    return viewable(A if sparse.issparse(A) else sparse.csr_array(A))


def warn_unless_converged(who: str, result: Any) -> None:
    """For results with `status`, `violation`, `tolerance`, `n_iter` and `seconds`."""
    if result.status != Status.CONVERGED:
        warnings.warn(
            f"{who}: {result.status.sentence} (Status.{result.status.name}): the relative residual "
            f"is {result.violation:.3g}, wanted {result.tolerance:.3g}, after {result.n_iter} "
            f"steps and {result.seconds:.3g} s. {_REMEDIES[result.status]}.",
            ConvergenceWarning,
            stacklevel=caller_level(),
        )


_REMEDIES = {
    Status.MAX_ITER: "Increase max_iter or the tolerance",
    Status.TIME_LIMIT: "Increase time_limit or the tolerance",
    Status.STOPPED: Status.STOPPED.remedy,
    Status.STALLED: "Increase the tolerance: the matrix is nearly singular",
    Status.NUMERICAL_ERROR: "Scale the matrix and the right-hand side to moderate ranges",
}
