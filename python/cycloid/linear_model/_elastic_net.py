"""Lasso and ElasticNet: one penalty strength, one or several targets."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import MultiOutputMixin
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from cycloid._inputs import (
    X_CHECKS,
    as_coef_init,
    as_penalty_weights,
    as_weights,
    check_finite_real,
    check_flag,
    check_real,
    viewable,
)
from cycloid._result import Callback, PathResult, Result, warn_unless_converged
from cycloid.linear_model._least_squares_path import enet_path, lasso_path
from cycloid.linear_model._linear_predictor import LinearPredictor
from cycloid.linear_model._solve import controls, solve_path


class ElasticNet(MultiOutputMixin, LinearPredictor):  # type: ignore[misc]
    """Linear regression with L1 and L2 penalties, scikit-learn's `ElasticNet`.

    Minimise over the intercept b and the coefficients beta::

        sum_i w_i (y_i - b - x_i . beta)^2 / 2
            + alpha * sum_j v_j (l1_ratio |beta_j| + (1 - l1_ratio) / 2 beta_j^2)

    where x_i is row i of `X`, w_i = sample_weight_i / sum(sample_weight) (1/n_samples by
    default), v_j = penalty_weights_j (1 by default), b = 0 unless `fit_intercept`, and beta >= 0
    if `positive`. The minimiser is scikit-learn's; `tol` is reached with a certificate.

    Parameters
    ----------
    alpha : float, default=1.0
        Penalty strength, >= 0. Zero is ordinary least squares.
    l1_ratio : float, default=0.5
        Share of the L1 penalty, in [0, 1]; 1 is the lasso, 0 is ridge regression.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercept b.
    precompute : {'auto', True, False}, default='auto'
        Whether to work on the Gram matrix of the features: 'auto' where it pays. It changes the
        time, not the solution. A matrix computed by the caller is a TypeError.
    max_iter : int, default=1000
        Limit on outer iterations: working sets, or Newton steps on one.
    copy_X : bool, default=True
        Without effect, since X is never written to; here so that code for scikit-learn runs.
    tol : float, default=1e-4
        Stop at a duality gap of tol * sum_i w_i (y_i - c)^2, with c the weighted mean of y if
        `fit_intercept`, else 0: scikit-learn's rule.
    warm_start : bool, default=False
        Whether `fit` starts at the solution of the fit before.
    positive : bool, default=False
        Whether to restrict the coefficients to be non-negative.
    random_state : int, RandomState instance or None, default=None
        Seed of the random order of coordinates; used when `selection='random'`.
    selection : {'cyclic', 'random'}, default='cyclic'
        Order in which coordinate descent visits the coordinates.
    penalty_weights : array-like of shape (n_features,), default=None
        Non-negative factors v of the penalty; zero leaves a coefficient unpenalised.
    n_threads : int, default=None
        Number of threads, with the same result for any. None: the environment variable
        CYCLOID_NUM_THREADS, else all CPUs that the process may use, within OpenMP's limits;
        -1: all CPUs.
    time_limit : float, default=None
        Seconds after which `fit` ends with the solution reached.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms and at least once a target.
        True stops the fit; an exception passes through unchanged.
    verbose : int, default=0
        1 prints a line a target, 2 a line each reported iteration.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, of the type of X (float32 or float64).
    sparse_coef_ : csr_matrix of shape (1, n_features) or (n_targets, n_features)
        The same, only the non-zeros.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept, 0 without `fit_intercept`.
    n_iter_ : int or list of int
        Outer iterations, for each target.
    dual_gap_ : float or ndarray of shape (n_targets,)
        Duality gap: the objective is at most this far above its minimum.
    result_ : Result or tuple of Result
        Solution in float64 with status, gap, violation and trace, for each target.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    enet_path : The same at a sequence of penalty strengths.
    ElasticNetCV : `alpha` and `l1_ratio` by cross-validation.

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
    >>> from cycloid.linear_model import ElasticNet
    >>> model = ElasticNet(alpha=0.1).fit([[0, 0], [1, 1], [2, 2]], [0, 1, 2])
    >>> model.coef_.round(4)
    array([0.4458, 0.4458])
    >>> model.result_.status.sentence
    'the tolerance was reached'
    """

    path: Any = staticmethod(enet_path)

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        precompute: str | bool = "auto",
        max_iter: int = 1000,
        copy_X: bool = True,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_weights: ArrayLike | None = None,
        n_threads: int | None = None,
        time_limit: float | None = None,
        callback: Callback | None = None,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.penalty_weights = penalty_weights
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
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Target; several targets are solved one after the other.
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
            If one has a wrong value or shape, or NaN or infinity; the message names it.

        Warns
        -----
        ConvergenceWarning
            If a gap stays above the tolerance; the message says why and what helps.
        """
        check_flag("copy_X", self.copy_X)
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, **X_CHECKS)
        y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
        paths = self._solve(
            viewable(X), y.reshape(len(y), -1), as_weights(sample_weight, X.shape[0])
        )
        self._store([path.at(0) for path in paths], X.dtype, several=y.ndim > 1)
        warn_unless_converged(type(self).__name__, *paths)
        return self

    def _solve(self, X: Any, targets: NDArray[Any], weights: Any) -> list[PathResult]:
        positive = check_flag("positive", self.positive)
        control = controls(
            rtol=2 * check_finite_real("tol", self.tol),  # the null objective has a factor 1/2
            max_iter=self.max_iter,
            precompute=self.precompute,
            selection=self.selection,
            random_state=self.random_state,
            n_threads=self.n_threads,
            time_limit=self.time_limit,
            callback=self.callback,
            verbose=self.verbose,
        )
        starts: Any = [None] * targets.shape[1]
        if check_flag("warm_start", self.warm_start) and hasattr(self, "coef_"):
            starts = np.atleast_2d(self.coef_)
            if len(starts) != targets.shape[1]:
                raise ValueError(
                    f"y must have as many targets as in the fit that warm_start=True continues: "
                    f"expected {len(starts)}, got {targets.shape[1]}"
                )
        return [
            solve_path(
                X,
                np.ascontiguousarray(target),
                weights,
                loss="squared",
                control=control,
                alphas=np.array([check_finite_real("alpha", self.alpha)]),
                l1_ratio=check_real("l1_ratio", self.l1_ratio, high=1.0),
                penalty_weights=as_penalty_weights(self.penalty_weights, X.shape[1]),
                positive=positive,
                fit_intercept=check_flag("fit_intercept", self.fit_intercept),
                coef_init=as_coef_init(start, X.shape[1], positive),
            )
            for target, start in zip(targets.T, starts, strict=True)
        ]

    def _store(self, results: list[Result], dtype: Any, several: bool) -> None:
        intercepts = np.array([result.intercept for result in results], dtype=dtype)
        self.intercept_ = intercepts if several else intercepts[0]
        if len(results) == 1:
            result = results[0]
            self.coef_ = result.coef.astype(dtype)
            self.dual_gap_: Any = result.gap
            self.n_iter_: Any = result.n_iter
            self.result_: Any = result
        else:
            self.coef_ = np.array([result.coef for result in results], dtype=dtype)
            self.dual_gap_ = np.array([result.gap for result in results])
            self.n_iter_ = [result.n_iter for result in results]
            self.result_ = tuple(results)


class Lasso(ElasticNet):
    """Linear regression with an L1 penalty, scikit-learn's `Lasso`.

    Minimise over the intercept b and the coefficients beta::

        sum_i w_i (y_i - b - x_i . beta)^2 / 2 + alpha * sum_j v_j |beta_j|

    where x_i is row i of `X`, w_i = sample_weight_i / sum(sample_weight) (1/n_samples by
    default), v_j = penalty_weights_j (1 by default), b = 0 unless `fit_intercept`, and beta >= 0
    if `positive`. It is `ElasticNet` with `l1_ratio=1`, where the references stand.

    Parameters
    ----------
    alpha : float, default=1.0
        Penalty strength, >= 0. Zero is ordinary least squares.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercept b.
    precompute : {'auto', True, False}, default='auto'
        Whether to work on the Gram matrix of the features: 'auto' where it pays.
    copy_X : bool, default=True
        Without effect, since X is never written to; here so that code for scikit-learn runs.
    max_iter : int, default=1000
        Limit on outer iterations: working sets, or Newton steps on one.
    tol : float, default=1e-4
        Stop at a duality gap of tol * sum_i w_i (y_i - c)^2, with c the weighted mean of y if
        `fit_intercept`, else 0: scikit-learn's rule.
    warm_start : bool, default=False
        Whether `fit` starts at the solution of the fit before.
    positive : bool, default=False
        Whether to restrict the coefficients to be non-negative.
    random_state, selection, penalty_weights, n_threads, time_limit, callback, verbose
        See `ElasticNet`.

    Attributes
    ----------
    coef_, sparse_coef_, intercept_, n_iter_, dual_gap_, result_
        See `ElasticNet`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    lasso_path : The same at a sequence of penalty strengths.
    LassoCV : `alpha` by cross-validation.

    Examples
    --------
    >>> from cycloid.linear_model import Lasso
    >>> model = Lasso(alpha=0.1).fit([[0, 0], [1, 1], [2, 3]], [0, 1, 3])
    >>> model.coef_.round(4)
    array([0.    , 0.9357])
    >>> round(float(model.intercept_), 4)
    0.0857
    """

    path: Any = staticmethod(lasso_path)

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        precompute: str | bool = "auto",
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_weights: ArrayLike | None = None,
        n_threads: int | None = None,
        time_limit: float | None = None,
        callback: Callback | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            alpha=alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            precompute=precompute,
            max_iter=max_iter,
            copy_X=copy_X,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            random_state=random_state,
            selection=selection,
            penalty_weights=penalty_weights,
            n_threads=n_threads,
            time_limit=time_limit,
            callback=callback,
            verbose=verbose,
        )
