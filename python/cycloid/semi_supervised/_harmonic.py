"""Functions on a graph that are as smooth as what is known of them allows."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import check_array

from cycloid import _core
from cycloid._inputs import Vector, check_finite_real, check_integer, check_real, viewable
from cycloid._result import Callback, Status
from cycloid.optimize._positive_definite import Reporter, warn_unless_converged
from cycloid.semi_supervised._dense import eliminate


@dataclass(frozen=True, eq=False)
class HarmonicResult:
    """Values on the nodes of a graph.

    Attributes
    ----------
    values : ndarray of shape (n,) or (n, k)
        The solution, of the shape of y; NaN at the nodes in `undetermined`.
    undetermined : ndarray of int
        Nodes that no path joins to a known value.
    status : Status
        How the solve ended; `status.sentence` says it in words.
    violation : float
        Relative residual of the linear system, the worst of all columns, recomputed at the
        solution.
    tolerance : float
        The violation that was asked for.
    error_bound : float
        No value is farther from the exact solution.
    n_iter : int
        Steps of conjugate gradients, 0 where elimination alone solved the system.
    seconds : float
        Wall-clock time.
    trace : dict of str to ndarray
        One row a step: iteration, seconds (since the call began), violation.
    """

    values: Vector = field(repr=False)
    undetermined: NDArray[np.int64] = field(repr=False)
    status: Status
    violation: float
    tolerance: float
    error_bound: float
    n_iter: int
    seconds: float
    trace: dict[str, Vector] = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the violation reached the tolerance."""
        return self.status == Status.CONVERGED


def harmonic_function(
    W: Any,
    y: ArrayLike,
    *,
    strength: float | ArrayLike = math.inf,
    tol: float = 1e-10,
    max_iter: int = 10_000,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
) -> HarmonicResult:
    """The smoothest function on a graph that has, or is drawn to, known values at some nodes.

    Minimise over f in R^n, for each column of y::

        sum_{i<j} W_ij (f_i - f_j)^2 + sum_{i: y_i known} strength_i (f_i - y_i)^2

    where an infinite strength means f_i = y_i. Then f at every other node is the mean of its
    neighbours, weighted by W: the harmonic function [1]_, the mean of a Gaussian field. It is the
    solution of a sparse positive definite system, by
    :func:`cycloid.optimize.solve_positive_definite`; its row sums are known without rounding, so
    even weights of very different sizes lose no accuracy.

    Parameters
    ----------
    W : {array-like, sparse array} of shape (n, n)
        Weights of the edges, >= 0, symmetric; the diagonal does not matter. CSR and CSC are read
        where they lie.
    y : array-like of shape (n,) or (n, k)
        Known values; a row with a NaN is unknown.
    strength : float or array-like of shape (n,), default=inf
        What draws the known nodes to their values, > 0; inf holds them there.
    tol : float, default=1e-10
        Stop where the Euclidean norm of the residual is at most `tol` times that of the right-hand
        side, for each column.
    max_iter : int, default=10000
        Limit on the steps of conjugate gradients.
    time_limit : float, default=None
        Seconds after which the solve ends with the values reached.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms and at least once (of sparse
        W). True stops the solve; an exception passes through unchanged.
    verbose : int, default=0
        1 prints a line a reported step.

    Returns
    -------
    HarmonicResult
        The values, with a bound of their error.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If one has a wrong value or shape, or infinity; if W is not symmetric or negative somewhere;
        if all values are unknown.

    Warns
    -----
    ConvergenceWarning
        If the violation stays above the tolerance; the message says why and what helps.

    References
    ----------
    .. [1] X. Zhu, Z. Ghahramani, J. Lafferty, "Semi-supervised learning using Gaussian fields and
       harmonic functions", ICML 2003, equations 2 and 5.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from cycloid.semi_supervised import harmonic_function
    >>> path = sparse.diags_array([1.0, 1.0], offsets=[1, -1], shape=(5, 5))
    >>> harmonic_function(path, [0.0, np.nan, np.nan, np.nan, 8.0]).values
    array([0., 2., 4., 6., 8.])
    """
    W = as_weights(W, "W")
    n = W.shape[0]
    y = check_array(y, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan",
                    input_name="y")  # fmt: skip
    if y.ndim > 2 or y.shape[0] != n or y.size == 0:
        raise ValueError(
            f"y must have shape ({n},) or ({n}, k), a row for each row of W; got {y.shape}"
        )
    columns = y.reshape(n, -1)
    unknown = np.isnan(columns).any(axis=1)
    if unknown.all():
        raise ValueError("y must have a known value at one node at least; got only NaN")
    pull = np.where(unknown, 0.0, _as_strength(strength, n))
    return solve_field(
        W,
        pull,
        np.where(unknown[:, None], 0.0, columns),
        shape=y.shape,
        tol=tol,
        max_iter=max_iter,
        time_limit=time_limit,
        callback=callback,
        verbose=verbose,
        who="harmonic_function",
    )


def as_weights(W: Any, name: str) -> Any:
    """The weights of a graph: a float64 array, or CSR or CSC as the core views it."""
    W = check_array(
        W,
        accept_sparse=("csr", "csc"),
        accept_large_sparse=True,
        dtype=np.float64 if not sparse.issparse(W) else (np.float64, np.float32),
        input_name=name,
    )
    if W.shape[0] != W.shape[1]:
        raise ValueError(f"{name} must be square, the weights of a graph; got shape {W.shape}")
    smallest = W.data.min(initial=0.0) if sparse.issparse(W) else W.min()
    if smallest < 0:
        raise ValueError(f"{name} must hold non-negative weights; got {smallest:g}")
    return viewable(W) if sparse.issparse(W) else W


def _as_strength(strength: Any, n: int) -> Vector:
    if np.ndim(strength) == 0:
        return np.full(n, check_real("strength", strength, open_low=True))
    values = check_array(
        strength, dtype=np.float64, ensure_2d=False, ensure_all_finite=False, input_name="strength"
    )
    if values.shape != (n,):
        raise ValueError(f"strength must have shape ({n},); got {values.shape}")
    if not (values > 0).all():
        raise ValueError("strength must be positive everywhere, or inf")
    return values


def solve_field(
    W: Any,
    pull: Vector,
    values: Vector,
    *,
    shape: tuple[int, ...],
    tol: Any,
    max_iter: Any,
    time_limit: Any,
    callback: Callback | None,
    verbose: Any,
    who: str,
) -> HarmonicResult:
    """Checks the controls and solves; W from `as_weights`, `values` of shape (n, k)."""
    limit = math.inf if time_limit is None else check_real("time_limit", time_limit)
    tol = check_finite_real("tol", tol)
    max_iter = check_integer("max_iter", max_iter, low=1)
    reporter = Reporter(callback, check_integer("verbose", int(verbose), low=0))
    values = np.ascontiguousarray(values, dtype=np.float64)
    if sparse.issparse(W):
        raw = _core.solve_field(
            W,
            pull,
            values,
            rtol=tol,
            max_iter=max_iter,
            time_limit=limit,
            observer=reporter.observer,
        )
    else:
        begin = time.perf_counter()
        raw = eliminate(W, pull, values, begin + limit)
        raw["seconds"] = time.perf_counter() - begin
        raw["trace"] = {name: np.zeros(0) for name in Reporter.COLUMNS}
    found = raw["field"]
    found[raw["loose"]] = np.nan
    result = HarmonicResult(
        values=found.reshape(shape),
        undetermined=raw["loose"].astype(np.int64),
        status=Status(raw["status"]),  # type: ignore[call-arg]
        violation=raw["violation"],
        tolerance=tol,
        error_bound=raw["error_bound"],
        n_iter=raw["n_iter"],
        seconds=raw["seconds"],
        trace=dict(raw["trace"]),
    )
    warn_unless_converged(who, result)
    return result
