"""Regularization paths of the squared loss."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from cycloid._inputs import (
    as_coef_init,
    as_design,
    as_penalty_weights,
    as_target,
    as_weights,
    check_flag,
    check_real,
)
from cycloid._result import Callback, PathResult, warn_unless_converged
from cycloid.linear_model._solve import controls, path_strengths, solve_path


def enet_path(
    X: Any,
    y: ArrayLike,
    *,
    l1_ratio: float = 0.5,
    eps: float = 1e-3,
    alphas: int | ArrayLike | None = 100,
    n_alphas: int | None = None,
    fit_intercept: bool = False,
    standardize: bool = False,
    positive: bool = False,
    sample_weight: ArrayLike | None = None,
    penalty_weights: ArrayLike | None = None,
    coef_init: ArrayLike | None = None,
    rtol: float = 1e-6,
    tol: float = 0.0,
    max_iter: int = 1000,
    precompute: str | bool = "auto",
    selection: str = "cyclic",
    random_state: Any = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    progress: bool = False,
) -> PathResult:
    r"""Elastic-net path: the linear model at a sequence of penalty strengths.

    For each alpha, minimise over the intercept b and the coefficients beta::

        sum_i w_i (y_i - b - x_i . beta)^2 / 2
            + alpha * sum_j v_j (l1_ratio |beta_j| + (1 - l1_ratio) / 2 beta_j^2)

    where x_i is row i of `X`, w_i = sample_weight_i / sum(sample_weight) (1/n_samples by
    default), v_j = penalty_weights_j (1 by default), b = 0 unless `fit_intercept`, and beta >= 0
    if `positive`. This is scikit-learn's objective. With `standardize` the penalty has
    d_j beta_j in the place of beta_j::

        d_j = sqrt(sum_i w_i (x_ij - m_j)^2),  m_j = sum_i w_i x_ij if `fit_intercept` else 0

    (and d_j = 1 where that is zero): coefficients and intercept stay in the units of X.

    Parameters
    ----------
    X : {array-like, sparse array} of shape (n_samples, n_features)
        Features. Dense arrays of either order, row slices, read-only and memory-mapped arrays,
        CSC and CSR with 32 or 64-bit indices are used where they lie; float32 stays float32.
        Other types are converted to float64, other sparse formats to CSC. Never written to.
    y : array-like of shape (n_samples,)
        Target.
    l1_ratio : float, default=0.5
        Share of the L1 penalty, in [0, 1]; 1 is the lasso, 0 is ridge regression.
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, divided by the largest; in (0, 1].
    alphas : int, array-like or None, default=100
        Number of values of an automatic grid, geometric from the smallest alpha at which all
        penalised coefficients are zero; or the values themselves, which are solved from the
        largest to the smallest. None means 100.
    n_alphas : int, default=None
        Older name for an integer `alphas`; at most one of the two may be given.
    fit_intercept : bool, default=False
        Whether to fit the unpenalised intercept b. False, as in scikit-learn's path functions,
        takes the data as centred.
    standardize : bool, default=False
        Whether each feature is penalised as if it had unit standard deviation (root mean square
        without `fit_intercept`), weighted. This is the plain problem for the columns x_j / d_j,
        to which alphas, objectives, dual objectives, gaps and violations refer; its coefficients
        d_j beta_j are divided by d_j again. `coef_init` is in the units of X too. X is not copied.
    positive : bool, default=False
        Whether to restrict the coefficients to be non-negative.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights of the samples; only their ratios matter. Zero leaves a sample out.
    penalty_weights : array-like of shape (n_features,), default=None
        Non-negative factors v of the penalty; zero leaves a coefficient unpenalised.
    coef_init : array-like of shape (n_features,), default=None
        Where the first solve starts; zeros by default.
    rtol : float, default=1e-6
        Stop at a duality gap of `rtol` times the objective of the null model (beta = 0 and the
        best b): half the weighted variance of y if `fit_intercept`, else half its mean square.
    tol : float, default=0.0
        Stop at this duality gap, in the unit of the objective; the larger of the two rules.
    max_iter : int, default=1000
        Limit on outer iterations for each alpha: working sets, or Newton steps on one.
    precompute : {'auto', True, False}, default='auto'
        Whether to work on the Gram matrix of the features: 'auto' where it pays. A matrix
        computed by the caller is a TypeError.
    selection : {'cyclic', 'random'}, default='cyclic'
        Order in which coordinate descent visits the coordinates.
    random_state : int, RandomState instance or None, default=None
        Seed of the random order; used when `selection='random'`.
    n_threads : int, default=None
        Number of threads, with the same result for any. None: the environment variable
        CYCLOID_NUM_THREADS, else all CPUs that the process may use, within OpenMP's limits;
        -1: all CPUs.
    time_limit : float, default=None
        Seconds after which the path ends with the solutions reached.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms and at least once an alpha.
        True stops the path; an exception passes through unchanged.
    verbose : int, default=0
        1 prints a line an alpha, 2 a line each reported iteration.
    progress : bool, default=False
        Whether to show a progress bar (needs tqdm).

    Returns
    -------
    PathResult
        `alphas, coefs, gaps = enet_path(X, y)` unpacks it as scikit-learn's users are used to;
        it also holds intercepts, statuses, violations and the trace.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument has a wrong value or shape, or NaN or infinity; the message names it.
    ImportError
        If `progress` is asked for without tqdm.

    Warns
    -----
    ConvergenceWarning
        If some gap stays above the tolerance; the message says why and what helps.

    References
    ----------
    .. [1] J. Nutini, I. Laradji, M. Schmidt, "Let's make block coordinate descent converge
       faster", Journal of Machine Learning Research 23(131), 2022.
    .. [2] O. Fercoq, A. Gramfort, J. Salmon, "Mind the duality gap: safer rules for the Lasso",
       ICML 2015.
    .. [3] M. Massias, A. Gramfort, J. Salmon, "Celer: a fast solver for the Lasso with dual
       extrapolation", ICML 2018.
    .. [4] Q. Bertrand, M. Massias, "Anderson acceleration of coordinate descent", AISTATS 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.linear_model import enet_path
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> path = enet_path(X, [1.0, 2.0, 3.0], alphas=[0.5, 1.0], l1_ratio=0.5)
    >>> path.alphas
    array([1. , 0.5])
    >>> path.coefs.round(3)
    array([[0.467, 0.714],
           [0.867, 1.286]])
    >>> path.converged
    True
    """
    return _path("enet_path", **locals())


def lasso_path(
    X: Any,
    y: ArrayLike,
    *,
    eps: float = 1e-3,
    alphas: int | ArrayLike | None = 100,
    n_alphas: int | None = None,
    fit_intercept: bool = False,
    standardize: bool = False,
    positive: bool = False,
    sample_weight: ArrayLike | None = None,
    penalty_weights: ArrayLike | None = None,
    coef_init: ArrayLike | None = None,
    rtol: float = 1e-6,
    tol: float = 0.0,
    max_iter: int = 1000,
    precompute: str | bool = "auto",
    selection: str = "cyclic",
    random_state: Any = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    progress: bool = False,
) -> PathResult:
    """Lasso path: the sparse linear model at a sequence of penalty strengths.

    For each alpha, minimise over the intercept b and the coefficients beta::

        sum_i w_i (y_i - b - x_i . beta)^2 / 2 + alpha * sum_j v_j |beta_j|

    where x_i is row i of `X`, w_i = sample_weight_i / sum(sample_weight) (1/n_samples by
    default), v_j = penalty_weights_j (1 by default), b = 0 unless `fit_intercept`, and beta >= 0
    if `positive`. With `standardize` the penalty has d_j beta_j in the place of beta_j, d_j being
    the weighted standard deviation of column j (its root mean square unless `fit_intercept`; 1
    where that is zero). It is `enet_path` with `l1_ratio=1`, where parameters, result, errors,
    warnings and references are described.

    Parameters
    ----------
    X : {array-like, sparse array} of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,)
        Target.
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, divided by the largest.
    alphas : int, array-like or None, default=100
        Number of values of an automatic grid, or the values.
    n_alphas : int, default=None
        Older name for an integer `alphas`.
    fit_intercept, positive : bool, default=False
        Whether to fit an intercept; whether to restrict the coefficients to be non-negative.
    standardize : bool, default=False
        Whether each feature is penalised as if it had unit standard deviation.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Weights of the samples.
    penalty_weights : array-like of shape (n_features,), default=None
        Factors of the penalty.
    coef_init : array-like of shape (n_features,), default=None
        Where the first solve starts.
    rtol, tol : float, default=1e-6 and 0.0
        Relative and absolute tolerance on the duality gap.
    max_iter : int, default=1000
        Limit on outer iterations for each alpha.
    precompute, selection, random_state, n_threads, time_limit, callback, verbose, progress
        See `enet_path`.

    Returns
    -------
    PathResult
        Unpacks as `alphas, coefs, gaps`.

    Raises
    ------
    TypeError, ValueError, ImportError
        See `enet_path`.

    Warns
    -----
    ConvergenceWarning
        If some gap stays above the tolerance.

    Examples
    --------
    >>> from cycloid.linear_model import lasso_path
    >>> X = [[1.0, 2.0], [2.0, 3.0], [4.0, 3.0]]
    >>> alphas, coefs, gaps = lasso_path(X, [1.0, 2.0, 3.0], alphas=[1.0, 0.5])
    >>> coefs.round(4)
    array([[0.4516, 0.5   ],
           [0.2258, 0.25  ]])
    """
    return _path("lasso_path", l1_ratio=1.0, **locals())


def _path(
    who: str,
    X: Any,
    y: Any,
    *,
    l1_ratio: Any,
    eps: Any,
    alphas: Any,
    n_alphas: Any,
    fit_intercept: Any,
    standardize: Any,
    positive: Any,
    sample_weight: Any,
    penalty_weights: Any,
    coef_init: Any,
    **control: Any,
) -> PathResult:
    l1_ratio = check_real("l1_ratio", l1_ratio, high=1.0)
    positive = check_flag("positive", positive)
    strengths, n_alphas, eps = path_strengths(alphas, n_alphas, eps, l1_ratio)
    X = as_design(X)
    n_samples, n_features = X.shape
    path = solve_path(
        X,
        as_target(y, n_samples),
        as_weights(sample_weight, n_samples),
        loss="squared",
        control=controls(**control),
        alphas=strengths,
        n_alphas=n_alphas,
        eps=eps,
        l1_ratio=l1_ratio,
        penalty_weights=as_penalty_weights(penalty_weights, n_features),
        positive=positive,
        fit_intercept=check_flag("fit_intercept", fit_intercept),
        standardize=check_flag("standardize", standardize),
        coef_init=as_coef_init(coef_init, n_features, positive),
    )
    warn_unless_converged(who, path)
    return path
