"""minimize: SciPy's habits in front of the core."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from cycloid import _core
from cycloid._inputs import (
    Vector,
    as_seed,
    check_finite_real,
    check_flag,
    check_integer,
    check_real,
    thread_count,
)
from cycloid._result import caller_level
from cycloid.optimize._arrays import as_numpy, library_of
from cycloid.optimize._constraints import make_constraints, refuse_bounds
from cycloid.optimize._objective import make_objective
from cycloid.optimize._problem import Problem
from cycloid.optimize._result import MinimizeResult, Reporter, to_result, warn_unless_converged
from cycloid.optimize._terms import Term

Inner = Literal[
    "auto",
    "ldlt",
    "minres",
    "gaussian",
    "kaczmarz",
    "block-gaussian",
    "block-sparse-sign",
    "block-count-sketch",
    "block-srht",
]


def minimize(
    fun: Callable[..., Any],
    x0: ArrayLike,
    args: Any = (),
    *,
    jac: Callable[..., Any] | bool | str | None = None,
    hess: Callable[..., Any] | str | None = None,
    hessp: Callable[..., Any] | None = None,
    constraints: Any = (),
    bounds: Any = None,
    tol: float = 1e-8,
    max_iter: int = 1000,
    inner: Inner = "auto",
    accuracy: Literal["forcing", "adaptive"] = "forcing",
    max_inner: int = 100_000,
    multipliers_init: ArrayLike | None = None,
    penalties_init: tuple[float, float] = (1.0, 0.1),
    random_state: Any = 0,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callable[..., Any] | None = None,
    verbose: int = 0,
    progress: bool = False,
) -> MinimizeResult:
    """Minimise a smooth function subject to smooth equality constraints.

    Over all x in R^n, for twice differentiable functions::

        minimise fun(x)   subject to   c_i(x) = 0,  i = 1, ..., m

    A local solution is sought: a point with multipliers y where the violation ``|(grad fun(x) +
    sum_i y_i grad c_i(x), c(x))|`` is at most `tol`.

    Each step solves Newton's equations of the Lagrangian, accurately enough, and goes along the
    solution until the exact augmented Lagrangian falls, whose two penalties adapt so that it does
    [1]_. The Hessian is shifted where it is not positive definite along the constraints, and where
    the constraints are dependent or contradict each other their violation alone is minimised.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``, the objective, a number; with ``jac=True`` also its gradient.
    x0 : array-like of shape (n,)
        Where to start. It need not satisfy the constraints. An array of JAX or PyTorch says that
        all functions take such arrays.
    args : tuple, default=()
        More arguments of `fun`, `jac`, `hess` and `hessp`.
    jac : callable, bool or {'2-point', '3-point', 'cs'}, default=None
        ``jac(x, *args)``, the gradient of shape (n,). True: `fun` returns ``(value, gradient)``.
        A word: differences, forward, central or by a complex step. None: exact if `fun` is written
        with JAX or PyTorch, else central differences, with a warning.
    hess : callable or {'2-point', '3-point', 'cs'}, default=None
        ``hess(x, *args)``, the Hessian of shape (n, n), an array, a sparse matrix or a
        LinearOperator. A word: differences of the gradient. None: as for `jac`.
    hessp : callable, default=None
        ``hessp(x, p, *args)``, the Hessian times a vector, in place of `hess`.
    constraints : constraint or list of constraints, default=()
        `scipy.optimize.LinearConstraint` and `NonlinearConstraint` with ``lb == ub``, and
        dictionaries with 'type' ('eq'), 'fun', and if known 'jac' and 'args', and 'hess': a
        function ``hess(x, v, *args)`` of the Hessian of ``v @ fun`` as in NonlinearConstraint.
        Jacobians may be arrays, sparse matrices or LinearOperators. What is missing (SciPy's
        defaults count as missing) is found as for `fun`.
    bounds : None
        Refused unless infinite, as inequalities are: see Raises.
    tol : float, default=1e-8
        Solved when the violation is at most this; in the units of `fun` and the constraints.
    max_iter : int, default=1000
        Limit on steps.
    inner : {'auto', 'ldlt', 'minres', 'gaussian', 'kaczmarz', 'block-gaussian', \
'block-sparse-sign', 'block-count-sketch', 'block-srht'}, default='auto'
        Solver of Newton's equations. 'ldlt': a factorization, sparse where that pays. 'minres':
        needs products only. 'gaussian' and 'kaczmarz': the sketch-and-project iterations of [1]_
        with one random vector a step; 'block-...': with many, and momentum. 'auto': 'ldlt', or
        'minres' where a matrix is a LinearOperator. It never takes a sketch, whose rate is that of
        the squared condition number: logistic regression with 300 coefficients and 11 constraints
        took 60 s to 1e-4 with 'gaussian', 1.8 s and 8 million steps with 'kaczmarz', and 0.9 s,
        most of it in the functions, with 'ldlt'.
    accuracy : {'forcing', 'adaptive'}, default='forcing'
        How accurately Newton's equations are solved. 'forcing': to a relative residual of
        ``min(0.1, violation)``, sharper if the direction does not descend. 'adaptive': by the
        bound of [1]_, which in practice asks for nearly all digits.
    max_inner : int, default=100000
        Limit on the steps of an iterative `inner` in one solve.
    multipliers_init : array-like of shape (m,), default=None
        Multipliers to start from. None: those of least squares at x0.
    penalties_init : tuple of two floats, default=(1.0, 0.1)
        Penalties of the constraints and of the Lagrangian's gradient in the merit function.
    random_state : int, RandomState instance or None, default=0
        Seed of the sketches.
    n_threads : int, default=None
        Number of threads, with the same result for any. None: the environment variable
        CYCLOID_NUM_THREADS, else all CPUs that the process may use, within OpenMP's limits;
        -1: all CPUs. Your functions are called from one thread.
    time_limit : float, default=None
        Seconds after which the solve ends where it is.
    callback : callable, default=None
        Called after each step with x, or, if its only parameter has the name
        ``intermediate_result``, with an OptimizeResult of x, fun, nit, violation and
        constr_violation. True or a StopIteration ends the solve.
    verbose : int, default=0
        1 prints a line each step.
    progress : bool, default=False
        Whether to show a progress bar (needs tqdm).

    Returns
    -------
    MinimizeResult
        The solution, multipliers, status, violation and trace; an OptimizeResult.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument, or what a function returns, has a wrong value or shape; if there are
        bounds or inequalities. What your functions raise passes through unchanged.
    ImportError
        If `progress` is asked for without tqdm.

    Warns
    -----
    ConvergenceWarning
        If the violation stays above `tol`; the message says why and what helps.
    UserWarning
        If a derivative is missing and is replaced by differences.

    Notes
    -----
    A value that is not finite says that a point is outside the domain: the step is shortened.

    References
    ----------
    .. [1] I. Hong, S. Na, M. W. Mahoney, M. Kolar, "Constrained optimization via exact augmented
       Lagrangian and randomized iterative sketching", ICML 2023, PMLR 202:13174-13198.

    Examples
    --------
    The point of a parabola that is nearest to another point:

    >>> import numpy as np
    >>> from cycloid.optimize import minimize
    >>> result = minimize(
    ...     lambda x: (x[0] - 3) ** 2 + x[1] ** 2,
    ...     [1.0, 1.0],
    ...     jac=lambda x: [2 * (x[0] - 3), 2 * x[1]],
    ...     hess=lambda x: [[2, 0], [0, 2]],
    ...     constraints={
    ...         "type": "eq",
    ...         "fun": lambda x: x[1] - x[0] ** 2,
    ...         "jac": lambda x: [-2 * x[0], 1],
    ...         "hess": lambda x, v: v[0] * np.array([[-2, 0], [0, 0]]),
    ...     },
    ... )
    >>> result.x.round(6), result.multipliers.round(6), result.success
    (array([1., 1.]), array([-2.]), True)
    """
    refuse_bounds(bounds)
    library = library_of(x0)
    start = _as_start(as_numpy(x0))
    args = args if isinstance(args, tuple) else (args,)
    objective, function = make_objective(fun, args, jac, hess, hessp, start, library)
    terms = make_constraints(constraints, start, library)
    problem = Problem(objective, terms, start.size)
    tol = check_finite_real("tol", tol, open_low=True)
    eta1, eta2 = _as_penalties(penalties_init)
    reporter = Reporter(
        callback,
        check_integer("verbose", int(verbose) if isinstance(verbose, bool) else verbose, low=0),
        check_flag("progress", progress),
        problem,
    )
    _warn_of_differences([objective, *terms])
    try:
        raw = _core.newton_minimize(
            problem,
            start,
            _as_multipliers(multipliers_init, problem.m),
            inner=inner,
            accuracy=accuracy,
            tol=tol,
            max_iter=check_integer("max_iter", max_iter, low=0),
            max_inner=check_integer("max_inner", max_inner, low=1),
            eta1=eta1,
            eta2=eta2,
            delta=0.1,
            seed=as_seed(random_state),
            n_threads=thread_count(n_threads),
            time_limit=math.inf if time_limit is None else check_real("time_limit", time_limit),
            observer=reporter.observer,
        )
    finally:
        reporter.close()
    result = to_result(raw, problem, function.calls, tol)
    warn_unless_converged(result)
    return result


def sketched_newton(
    fun: Callable[..., Any],
    x0: ArrayLike,
    args: Any = (),
    *,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    callback: Callable[..., Any] | None = None,
    maxiter: int = 1000,
    disp: bool = False,
    **options: Any,
) -> MinimizeResult:
    """A method for `scipy.optimize.minimize`: `cycloid.optimize.minimize` with SciPy's options.

    Over all x in R^n it minimises fun(x) subject to equality constraints; pass it as ``method``.

    Parameters
    ----------
    fun, x0, args, jac, hess, hessp, bounds, constraints, callback
        As `scipy.optimize.minimize` passes them on; see `minimize`.
    maxiter : int, default=1000
        Limit on steps.
    disp : bool, default=False
        Whether to print a line each step.
    **options
        Other options of `minimize`: tol, inner, time_limit and so on.

    Returns
    -------
    MinimizeResult
        As of `minimize`.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.optimize
    >>> from cycloid.optimize import sketched_newton
    >>> result = scipy.optimize.minimize(
    ...     lambda x: x @ x,
    ...     [3.0, 1.0],
    ...     method=sketched_newton,
    ...     jac=lambda x: 2 * x,
    ...     hess=lambda x: 2 * np.eye(2),
    ...     constraints=scipy.optimize.LinearConstraint([[1, 1]], 1, 1),
    ...     options={"maxiter": 50},
    ... )
    >>> result.x
    array([0.5, 0.5])
    """
    return minimize(
        fun,
        x0,
        args,
        jac=jac,
        hess=hess,
        hessp=hessp,
        bounds=bounds,
        constraints=constraints,
        callback=callback,
        max_iter=maxiter,
        verbose=int(check_flag("disp", disp)),
        **options,
    )


# ------------------------------------------------------------------------------------- the input


def _as_start(x0: Any) -> Vector:
    if x0.dtype.kind not in "biuf":
        raise TypeError(f"x0 must hold real numbers; got {x0.dtype}")
    start = np.atleast_1d(x0).astype(np.float64)
    if start.ndim != 1 or start.size == 0:
        raise ValueError(f"x0 must be a non-empty vector; got shape {x0.shape}")
    if not np.isfinite(start).all():
        raise ValueError(f"x0 must be finite; got {start[~np.isfinite(start)][0]}")
    return start


def _as_multipliers(values: ArrayLike | None, m: int) -> Vector | None:
    if values is None:
        return None
    array = np.atleast_1d(np.array(values, dtype=np.float64))
    if array.shape != (m,) or not np.isfinite(array).all():
        raise ValueError(
            f"multipliers_init must hold {m} finite numbers, one a constraint; got shape "
            f"{array.shape}"
        )
    return array


def _as_penalties(values: Any) -> tuple[float, float]:
    if not isinstance(values, Sequence) or len(values) != 2:
        raise TypeError(f"penalties_init must be a pair of numbers > 0; got {values!r}")
    first, second = (check_finite_real("penalties_init", v, open_low=True) for v in values)
    return first, second


def _warn_of_differences(terms: list[Term]) -> None:
    names = ["the objective", *(f"constraints[{i}]" for i in range(len(terms) - 1))]
    missing = [
        f"{derivative} of {name}"
        for name, term in zip(names, terms, strict=True)
        for derivative in term.approximated
    ]
    if missing:
        warnings.warn(
            f"minimize: {', '.join(missing)} not given, so differences take their place: slower "
            "and less accurate. Write the functions with JAX or PyTorch for exact derivatives; "
            "jac='3-point' and hess='3-point' say that differences are meant",
            UserWarning,
            stacklevel=caller_level(),
        )
