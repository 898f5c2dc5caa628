"""GroupLasso and SparseGroupLasso, and their path."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import validate_data

from cycloid._inputs import (
    X_CHECKS,
    Vector,
    as_coef_init,
    as_design,
    as_target,
    as_weights,
    check_finite_real,
    check_flag,
    check_real,
    viewable,
)
from cycloid._result import Callback, PathResult, Result, warn_unless_converged
from cycloid.linear_model._groups import (
    GroupProblem,
    as_group_weights,
    as_groups,
    group_penalty,
)
from cycloid.linear_model._linear_predictor import LinearPredictor
from cycloid.linear_model._solve import controls, path_strengths


def group_lasso_path(
    X: Any,
    y: ArrayLike,
    groups: int | ArrayLike,
    *,
    l1_ratio: float = 0.0,
    eps: float = 1e-3,
    alphas: int | ArrayLike | None = 100,
    fit_intercept: bool = False,
    sample_weight: ArrayLike | None = None,
    group_weights: ArrayLike | None = None,
    coef_init: ArrayLike | None = None,
    rtol: float = 1e-6,
    tol: float = 0.0,
    max_iter: int = 1000,
    selection: str = "cyclic",
    random_state: Any = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    progress: bool = False,
) -> PathResult:
    r"""Path of the group Lasso or sparse-group Lasso, at a sequence of penalty strengths.

    For each alpha, minimise over the intercept b and the coefficients beta::

        sum_i w_i (y_i - b - x_i . beta)^2 / 2
            + alpha * (l1_ratio ||beta||_1 + (1 - l1_ratio) sum_g v_g ||beta_g||)

    where x_i is row i of `X`, beta_g holds the coefficients of group g, ||.|| is the Euclidean
    norm, w_i = sample_weight_i / sum(sample_weight) (1/n_samples by default), v_g =
    group_weights_g (the root of the group's size by default) and b = 0 unless `fit_intercept`.
    A group enters the model as a whole or not at all; with `l1_ratio` above zero coefficients
    within a group can be zero too.

    Parameters
    ----------
    X : {array-like, sparse array} of shape (n_samples, n_features)
        Features, as in `enet_path`. Never written to.
    y : array-like of shape (n_samples,)
        Target.
    groups : int, list of int, or list of lists of int
        A partition of the features: the size of all groups, which are then consecutive; the
        sizes of consecutive groups; or the features of each group, which must not overlap.
    l1_ratio : float, default=0.0
        Share of the L1 penalty, in [0, 1]; 0 is the group Lasso, 1 is the Lasso.
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, divided by the largest; in (0, 1].
    alphas : int, array-like or None, default=100
        Number of values of an automatic grid, geometric from the smallest alpha at which all
        penalised coefficients are zero; or the values themselves, which are solved from the
        largest to the smallest. None means 100.
    fit_intercept : bool, default=False
        Whether to fit the unpenalised intercept b.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights of the samples; only their ratios matter.
    group_weights : array-like of shape (n_groups,), default=None
        Non-negative factors v of the norms; by default the roots of the groups' sizes (Yuan and
        Lin [2]_), so that a large group is not preferred for its size alone. Without an L1
        penalty zero leaves a group unpenalised: then no dual point is known, gaps are `inf`, and
        the solve stops where the violation is `rtol` times that of beta = 0.
    coef_init : array-like of shape (n_features,), default=None
        Where the first solve starts; zeros by default.
    rtol : float, default=1e-6
        Stop at a duality gap of `rtol` times the objective of the null model (beta = 0 and the
        best b).
    tol : float, default=0.0
        Stop at this duality gap, in the unit of the objective; the larger of the two rules.
    max_iter : int, default=1000
        Limit on outer iterations for each alpha.
    selection, random_state, n_threads, time_limit, callback, verbose, progress
        See `enet_path`; groups are visited in the place of coordinates.

    Returns
    -------
    PathResult
        `alphas, coefs, gaps = group_lasso_path(X, y, groups)` unpacks it. Its violations are the
        largest Euclidean distance of a group's derivatives from the subdifferential.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument has a wrong value or shape, or NaN or infinity, or if groups overlap or
        leave a feature out; the message names it.
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
    .. [2] M. Yuan, Y. Lin, "Model selection and estimation in regression with grouped variables",
       Journal of the Royal Statistical Society B 68(1), 2006.
    .. [3] N. Simon, J. Friedman, T. Hastie, R. Tibshirani, "A sparse-group lasso", Journal of
       Computational and Graphical Statistics 22(2), 2013.
    .. [4] Z. Qin, K. Scheinberg, D. Goldfarb, "Efficient block-coordinate descent algorithms for
       the group lasso", Mathematical Programming Computation 5, 2013.
    .. [5] E. Ndiaye, O. Fercoq, A. Gramfort, J. Salmon, "Gap safe screening rules for sparsity
       enforcing penalties", Journal of Machine Learning Research 18(128), 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from cycloid.linear_model import group_lasso_path
    >>> X, y = load_diabetes(return_X_y=True)
    >>> path = group_lasso_path(X, y, [2, 2, 6], fit_intercept=True, alphas=5, eps=0.1)
    >>> (path.coefs != 0).sum(axis=0)
    array([ 0,  2,  8,  8, 10])
    >>> path.converged
    True
    """
    l1_ratio = check_real("l1_ratio", l1_ratio, high=1.0)
    X = as_design(X)
    n_samples, n_features = X.shape
    partition = as_groups(groups, n_features)
    strengths, n_alphas, eps = path_strengths(alphas, None, eps, 1.0)
    problem = GroupProblem(
        X=X,
        y=as_target(y, n_samples),
        weights=as_weights(sample_weight, n_samples),
        loss="squared",
        n_outputs=1,
        fit_intercept=check_flag("fit_intercept", fit_intercept),
        **group_penalty(partition, as_group_weights(group_weights, partition), l1_ratio),
    )
    path = problem.solve(
        problem.weights,
        controls(
            rtol=rtol,
            tol=tol,
            max_iter=max_iter,
            selection=selection,
            random_state=random_state,
            n_threads=n_threads,
            time_limit=time_limit,
            callback=callback,
            verbose=verbose,
            progress=progress,
        ),
        alphas=strengths,
        n_alphas=n_alphas,
        eps=eps,
        coef_init=as_coef_init(coef_init, n_features, positive=False),
    )
    warn_unless_converged("group_lasso_path", path)
    return path


class SparseGroupLasso(LinearPredictor):
    """Linear regression that selects groups of features, and features within them.

    Minimise over the intercept b and the coefficients beta::

        sum_i w_i (y_i - b - x_i . beta)^2 / 2
            + alpha * (l1_ratio ||beta||_1 + (1 - l1_ratio) sum_g v_g ||beta_g||)

    where x_i is row i of `X`, beta_g holds the coefficients of group g, ||.|| is the Euclidean
    norm, w_i = sample_weight_i / sum(sample_weight) (1/n_samples by default), v_g =
    group_weights_g (the root of the group's size by default) and b = 0 unless `fit_intercept`.

    Parameters
    ----------
    groups : int, list of int, or list of lists of int, default=1
        A partition of the features: the size of all groups, which are then consecutive; the
        sizes of consecutive groups; or the features of each group, which must not overlap.
    alpha : float, default=1.0
        Penalty strength, >= 0. Zero is ordinary least squares.
    l1_ratio : float, default=0.5
        Share of the L1 penalty, in [0, 1]; 0 is the group Lasso, 1 is the Lasso.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercept b.
    group_weights : array-like of shape (n_groups,), default=None
        Non-negative factors v of the norms; by default the roots of the groups' sizes.
    max_iter : int, default=1000
        Limit on outer iterations.
    tol : float, default=1e-4
        Stop at a duality gap of tol * sum_i w_i (y_i - c)^2, with c the weighted mean of y if
        `fit_intercept`, else 0, as `Lasso` does.
    warm_start : bool, default=False
        Whether `fit` starts at the solution of the fit before.
    random_state : int, RandomState instance or None, default=None
        Seed of the random order of groups; used when `selection='random'`.
    selection : {'cyclic', 'random'}, default='cyclic'
        Order in which block coordinate descent visits the groups.
    n_threads : int, default=None
        Number of threads. None: the environment variable CYCLOID_NUM_THREADS, else all CPUs that
        the process may use, within OpenMP's limits; -1: all CPUs.
    time_limit : float, default=None
        Seconds after which `fit` ends with the solution reached.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms and at least once. True stops
        the fit; an exception passes through unchanged.
    verbose : int, default=0
        1 prints a line, 2 a line each reported iteration.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients, of the type of X (float32 or float64).
    sparse_coef_ : csr_matrix of shape (1, n_features)
        The same, only the non-zeros.
    intercept_ : float
        Intercept, 0 without `fit_intercept`.
    n_iter_ : int
        Outer iterations.
    dual_gap_ : float
        Duality gap: the objective is at most this far above its minimum.
    result_ : Result
        Solution in float64 with status, gap, violation and trace.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    group_lasso_path : The same at a sequence of penalty strengths, with the references.
    SparseGroupLassoCV : `alpha` and `l1_ratio` by cross-validation.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from cycloid.linear_model import SparseGroupLasso
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = SparseGroupLasso([2, 2, 6], alpha=0.5).fit(X, y)
    >>> (model.coef_ != 0).astype(int)
    array([0, 0, 1, 1, 0, 0, 1, 1, 1, 1])
    """

    path: Any = staticmethod(group_lasso_path)

    def __init__(
        self,
        groups: int | ArrayLike = 1,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        group_weights: ArrayLike | None = None,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        n_threads: int | None = None,
        time_limit: float | None = None,
        callback: Callback | None = None,
        verbose: int = 0,
    ) -> None:
        self.groups = groups
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.group_weights = group_weights
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection
        self.n_threads = n_threads
        self.time_limit = time_limit
        self.callback = callback
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features. Dense arrays of either order, CSC and CSR, float32 or float64, are used
            where they lie. Never written to.
        y : array-like of shape (n_samples,)
            Target.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples; only their ratios matter.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TypeError
            If a parameter or an array has the wrong type.
        ValueError
            If one has a wrong value or shape, or NaN or infinity, or if groups overlap or leave a
            feature out; the message names it.

        Warns
        -----
        ConvergenceWarning
            If the gap stays above the tolerance; the message says why and what helps.
        """
        X, y = validate_data(self, X, y, y_numeric=True, **X_CHECKS)
        n_samples, n_features = X.shape
        partition = as_groups(self.groups, n_features)
        problem = GroupProblem(
            X=viewable(X),
            y=as_target(y, n_samples),
            weights=as_weights(sample_weight, n_samples),
            loss="squared",
            n_outputs=1,
            fit_intercept=check_flag("fit_intercept", self.fit_intercept),
            **group_penalty(
                partition,
                as_group_weights(self.group_weights, partition),
                check_real("l1_ratio", self.l1_ratio, high=1.0),
            ),
        )
        path = problem.solve(
            problem.weights,
            controls(
                rtol=2 * check_finite_real("tol", self.tol),  # the null objective has a factor 1/2
                max_iter=self.max_iter,
                selection=self.selection,
                random_state=self.random_state,
                n_threads=self.n_threads,
                time_limit=self.time_limit,
                callback=self.callback,
                verbose=self.verbose,
            ),
            alphas=np.array([check_finite_real("alpha", self.alpha)]),
            coef_init=self._start(n_features),
        )
        self._store(path.at(0), X.dtype)
        warn_unless_converged(type(self).__name__, path)
        return self

    def _start(self, n_features: int) -> Vector | None:
        if not (check_flag("warm_start", self.warm_start) and hasattr(self, "coef_")):
            return None
        return as_coef_init(self.coef_, n_features, positive=False)

    def _store(self, result: Result, dtype: Any) -> None:
        self.result_ = result
        self.coef_: NDArray[Any] = result.coef.astype(dtype)
        self.intercept_ = dtype.type(result.intercept)
        self.dual_gap_ = result.gap
        self.n_iter_ = result.n_iter


class GroupLasso(SparseGroupLasso):
    """Linear regression that selects whole groups of features.

    Minimise over the intercept b and the coefficients beta::

        sum_i w_i (y_i - b - x_i . beta)^2 / 2 + alpha * sum_g v_g ||beta_g||

    with the symbols of `SparseGroupLasso`, of which this is `l1_ratio=0`.

    Parameters
    ----------
    groups : int, list of int, or list of lists of int, default=1
        A partition of the features: the size of all groups, which are then consecutive; the
        sizes of consecutive groups; or the features of each group, which must not overlap.
    alpha : float, default=1.0
        Penalty strength, >= 0. Zero is ordinary least squares.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercept b.
    group_weights, max_iter, tol, warm_start, random_state, selection, n_threads, time_limit, \
            callback, verbose
        See `SparseGroupLasso`.

    Attributes
    ----------
    coef_, sparse_coef_, intercept_, n_iter_, dual_gap_, result_
        See `SparseGroupLasso`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    group_lasso_path : The same at a sequence of penalty strengths.
    GroupLassoCV : `alpha` by cross-validation.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from cycloid.linear_model import GroupLasso
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = GroupLasso([2, 2, 6], alpha=0.5).fit(X, y)
    >>> (model.coef_ != 0).astype(int)
    array([0, 0, 1, 1, 1, 1, 1, 1, 1, 1])
    """

    def __init__(
        self,
        groups: int | ArrayLike = 1,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        group_weights: ArrayLike | None = None,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        n_threads: int | None = None,
        time_limit: float | None = None,
        callback: Callback | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            groups=groups,
            alpha=alpha,
            l1_ratio=0.0,
            fit_intercept=fit_intercept,
            group_weights=group_weights,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            random_state=random_state,
            selection=selection,
            n_threads=n_threads,
            time_limit=time_limit,
            callback=callback,
            verbose=verbose,
        )
