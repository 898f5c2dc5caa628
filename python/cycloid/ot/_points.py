"""Entropic optimal transport between point clouds, without the matrix of their costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from sklearn.utils import check_array

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
from cycloid._result import Callback
from cycloid.ot._inputs import as_masses, as_potentials, check_totals
from cycloid.ot._measures import cost_matrix
from cycloid.ot._result import Reporter, TransportResult, to_result, warn_unless_converged
from cycloid.ot._solve import solve

Matrix: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.intp]
CostFunction: TypeAlias = Callable[[Matrix, Matrix], ArrayLike]

_NAMES = ("sqeuclidean", "euclidean", "cityblock", "cosine")
_SNS_ENTRIES = 1 << 26  # of a plan that method='sns' may store
_MATRIX_ENTRIES = 1 << 24  # of costs that are rather formed once than in each pass


def solve_points(
    X: ArrayLike,
    Y: ArrayLike,
    a: ArrayLike | None,
    b: ArrayLike | None,
    reg: float,
    *,
    cost: Literal["sqeuclidean", "euclidean", "cityblock", "cosine"] | CostFunction = "sqeuclidean",
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
    """Entropic optimal transport between two point clouds, costs computed on the fly.

    The problem of `solve` with ``M_ij = cost(x_i, y_j)``: over all plans P >= 0 with row sums a
    and column sums b, minimise::

        sum_ij P_ij M_ij + reg * sum_ij P_ij (log(P_ij) - 1)

    M is never formed. Up to 2^20 entries of the plan are kept in single precision; of a larger
    plan the entries that matter, or sums over cells of neighbouring points, so that memory grows
    as n + m and stays below 1 GB for 50,000 points each.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Points that the mass comes from, finite.
    Y : array-like of shape (m, d)
        Points that it goes to, finite.
    a : array-like of shape (n,) or None
        Masses of the points X, non-negative. None or empty: 1/n each. A point without mass is left
        out: its potential is -inf.
    b : array-like of shape (m,) or None
        Masses of the points Y. Their total must be that of a to 1e-8 relative.
    reg : float
        Strength of the entropy term, > 0, in the unit of the costs.
    cost : {'sqeuclidean', 'euclidean', 'cityblock', 'cosine'} or callable, default='sqeuclidean'
        As in `scipy.spatial.distance.cdist`; the cosine needs points other than zero. A callable
        ``cost(X_block, Y)`` returns the finite costs of shape (k, m) between k points of X and all
        points of Y that have mass, both in a sequence that the solver chooses, float64. It is
        called in the thread of the caller, and the solve uses that thread alone; what it raises
        passes through unchanged.
    method : {'auto', 'sinkhorn', 'sns'}, default='auto'
        As in `solve`. 'auto' solves large problems from coarse to fine: neighbouring points are
        merged by a k-d tree, the potentials found there start the next finer problem. There each
        pass over the pairs is followed by a solve for the flow between cells of points on the plan
        summed over them [1]_, Sinkhorn's step within cells, and Anderson mixing [2]_. Pairs that
        together hold less than 1e-3 `tol` of a row are not visited. 'sns' stores the plan, of at
        most 2^26 entries.
    tol : float, default=1e-9
        Solved when the L1 distance of both marginals to a and b, as a share of the total mass,
        is at most this; see `TransportResult.violation`.
    max_iter : int, default=10000
        Limit on scaling sweeps, Newton steps and steps between cells.
    potentials_init : tuple of two array-likes of shapes (n,) and (m,), default=None
        Potentials (f, g) to start from; may be -inf where there is no mass. f follows from g.
    n_sinkhorn, n_newton : int, default=20 and 100
        'sns': the numbers N1 and N2 of scaling sweeps, then of Newton steps.
    density : float, default=None
        'sns': the share lambda of the plan's entries that stay in the Hessian; None:
        ``min(1, 8 / max(n, m))``.
    n_threads : int, default=None
        Number of threads, with the same result for any; see `solve`.
    time_limit : float, default=None
        Seconds after which the solve ends with the best potentials so far; to certify them takes
        two passes more.
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
        As of `solve`. ``plan_sparse()`` computes the plan by blocks of rows; ``plan()`` is of shape
        (n, m). In the trace, merged problems come first: their n_kept counts their own entries.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument has a wrong value or shape, NaN or infinity, or the cost returns such; the
        message names it.
    ImportError
        If `progress` is asked for without tqdm.

    Warns
    -----
    ConvergenceWarning
        If the violation stays above `tol`; the message says why and what helps.

    References
    ----------
    .. [1] P. J. Schweitzer, "A survey of aggregation-disaggregation in large Markov chains", in
       "Numerical solution of Markov chains", 1991.
    .. [2] H. F. Walker, P. Ni, "Anderson acceleration for fixed-point iterations", SIAM Journal on
       Numerical Analysis 49(4), 2011.
    .. [3] B. Schmitzer, "Stabilized sparse scaling algorithms for entropy regularized transport
       problems", SIAM Journal on Scientific Computing 41(3), 2019: coarse to fine, with kernels
       truncated.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.ot import solve_points
    >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    >>> result = solve_points(X, X + [0.5, 1.0], None, None, reg=0.01)
    >>> round(result.transport_cost, 6), result.converged
    (1.25, True)
    """
    check_option("method", method, ("auto", "sinkhorn", "sns"))
    reg = check_finite_real("reg", reg, open_low=True)
    tol = check_finite_real("tol", tol, open_low=True)
    costs = PointCosts(*_as_clouds(X, Y), _as_cost(cost), reg)
    n, m = costs.check()
    masses = as_masses("a", a, n, "one mass a row of X"), as_masses("b", b, m, "one a row of Y")
    check_totals(*masses)
    if method == "sns" and n * m > _SNS_ENTRIES:
        raise ValueError(
            f"method='sns' stores the plan, of at most {_SNS_ENTRIES} entries; got {n} x {m} "
            "points. Use method='auto'"
        )
    if density is None:
        density = min(1.0, 8 / max(n, m))
    potentials = as_potentials(potentials_init, *masses)
    rows, columns = _sequence(costs.X, masses[0]), _sequence(costs.Y, masses[1])
    ordered = costs.select(rows, columns)
    reporter = Reporter(
        callback,
        check_integer("verbose", int(verbose) if isinstance(verbose, bool) else verbose, low=0),
        check_flag("progress", progress),
    )
    try:
        raw = _core.solve_points(
            masses[0][rows],
            masses[1][columns],
            ordered.X,
            ordered.Y,
            ordered.of_rows if callable(cost) else cost,
            reg,
            method=method,
            tol=tol,
            max_iter=check_integer("max_iter", max_iter, low=1),
            g=None if potentials is None else potentials[1][columns],
            n_sinkhorn=check_integer("n_sinkhorn", n_sinkhorn, low=0),
            n_newton=check_integer("n_newton", n_newton, low=0),
            density=check_real("density", density, open_low=True, high=1.0),
            n_threads=thread_count(n_threads),
            time_limit=math.inf if time_limit is None else check_real("time_limit", time_limit),
            observer=reporter.observer,
        )
    finally:
        reporter.close()
    f, g = _back(raw["f"], rows, n), _back(raw["g"], columns, m)
    result = to_result(raw, f, g, reg, tol, costs)
    warn_unless_converged("solve_points", result)
    return result


def solve_clouds(
    X: Matrix, Y: Matrix, a: Vector | None, b: Vector | None, reg: float, cost: Any, **options: Any
) -> TransportResult:
    """`solve` on the matrix of costs, `solve_points` where that would be too large."""
    if len(X) * len(Y) <= _MATRIX_ENTRIES:
        return solve(a, b, cost_matrix(X, Y, cost), reg, **options)
    return solve_points(X, Y, a, b, reg, cost=cost, **options)


@dataclass(frozen=True, eq=False)
class PointCosts:
    """Costs between two clouds, a block of rows at a time."""

    X: Matrix
    Y: Matrix
    cost: str | CostFunction
    reg: float

    def check(self) -> tuple[int, int]:
        """The shape, if the costs of named kinds are finite over reg, and defined."""
        if self.cost == "cosine":
            for name, points in (("X", self.X), ("Y", self.Y)):
                zero = np.flatnonzero(~points.any(axis=1))
                if zero.size:
                    raise ValueError(
                        f"cost='cosine' needs points other than zero; got one in {name} at index "
                        f"{zero[0]}"
                    )
        elif isinstance(self.cost, str):
            low = np.minimum(self.X.min(axis=0), self.Y.min(axis=0))
            high = np.maximum(self.X.max(axis=0), self.Y.max(axis=0))
            with np.errstate(over="ignore"):
                largest = float(((high - low) ** (1 if self.cost == "cityblock" else 2)).sum())
                if not math.isfinite(largest / self.reg):
                    raise ValueError(
                        f"reg must be such that costs / reg are finite; got reg={self.reg:g} and "
                        f"points that are {float((high - low).max()):g} apart"
                    )
        return len(self.X), len(self.Y)

    def rows(self, begin: int, end: int) -> Matrix:
        return self._block(self.X[begin:end])

    def of_rows(self, rows: Rows) -> Matrix:
        return self._block(self.X[rows])

    def select(self, rows: Rows, columns: Rows) -> PointCosts:
        Y = self.Y[columns]
        Y.flags.writeable = False  # a callable gets it again and again
        return PointCosts(self.X[rows], Y, self.cost, self.reg)

    def _block(self, points: Matrix) -> Matrix:
        if isinstance(self.cost, str):
            named: Matrix = cdist(points, self.Y, self.cost)
            return named
        block = np.asarray(self.cost(points, self.Y))
        expected = (len(points), len(self.Y))
        if block.dtype.kind not in "fiub":
            raise TypeError(f"cost must return real numbers; got dtype {block.dtype}")
        if block.shape != expected:
            raise ValueError(
                f"cost must return an array of shape {expected} for {expected[0]} points of X; "
                f"got {block.shape}"
            )
        costs: Matrix = np.ascontiguousarray(block, dtype=np.float64)
        with np.errstate(over="ignore"):
            low, high = float(costs.min()) / self.reg, float(costs.max()) / self.reg
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(
                f"cost must return numbers that are finite, over reg too; got a range of "
                f"{low * self.reg:g} to {high * self.reg:g} with reg={self.reg:g}"
            )
        return costs


def _as_clouds(X: ArrayLike, Y: ArrayLike) -> tuple[Matrix, Matrix]:
    clouds = []
    for name, points in (("X", X), ("Y", Y)):
        if np.ndim(points) != 2 or 0 in np.shape(points):
            raise ValueError(
                f"{name} must be a non-empty matrix, one point a row; got an array of shape "
                f"{np.shape(points)}"
            )
        clouds.append(check_array(points, dtype=np.float64, order="C", input_name=name))
    if clouds[0].shape[1] != clouds[1].shape[1]:
        raise ValueError(
            f"X and Y must hold points of one dimension; got {clouds[0].shape[1]} and "
            f"{clouds[1].shape[1]} columns"
        )
    return clouds[0], clouds[1]


def _as_cost(cost: Any) -> str | CostFunction:
    if callable(cost):
        function: CostFunction = cost
        return function
    if not isinstance(cost, str):
        raise TypeError(f"cost must be one of {', '.join(_NAMES)} or callable; got {cost!r}")
    name: str = check_option("cost", cost, _NAMES)
    return name


def _sequence(points: Matrix, masses: Vector) -> Rows:
    """The points that have mass, neighbours in space next to each other."""
    some = np.flatnonzero(masses)
    return some[_core.order_points(points[some])]


def _back(values: Vector, where: Rows, length: int) -> Vector:
    potential = np.full(length, -math.inf)
    potential[where] = values
    return potential
