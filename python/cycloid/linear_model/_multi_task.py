"""MultiTaskLasso and MultiTaskElasticNet: one penalty strength."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import MultiOutputMixin
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from cycloid._inputs import (
    X_CHECKS,
    Vector,
    as_penalty_weights,
    as_weights,
    check_finite_real,
    check_flag,
    check_real,
    viewable,
)
from cycloid._result import Callback, OutputsResult, warn_unless_converged
from cycloid.linear_model._groups import (
    GroupProblem,
    as_coef_matrix,
    as_targets,
    elastic_net_rows,
)
from cycloid.linear_model._linear_predictor import LinearPredictor
from cycloid.linear_model._multi_task_path import multi_task_path
from cycloid.linear_model._solve import controls


class MultiTaskElasticNet(MultiOutputMixin, LinearPredictor):  # type: ignore[misc]
    """Several targets that share their features, scikit-learn's `MultiTaskElasticNet`.

    Minimise over the intercepts b and the coefficients B, a row a target::

        sum_i w_i ||y_i - b - B x_i||^2 / 2
            + alpha * sum_j v_j (l1_ratio ||B_j|| + (1 - l1_ratio) / 2 ||B_j||^2)

    where x_i and y_i are rows i of `X` and `Y`, B_j is column j of B (what feature j does in all
    targets), ||.|| the Euclidean norm, w_i = sample_weight_i / sum(sample_weight) (1/n_samples
    by default), v_j = penalty_weights_j (1 by default) and b = 0 unless `fit_intercept`. The
    minimiser is scikit-learn's; `tol` is reached with a certificate.

    Parameters
    ----------
    alpha : float, default=1.0
        Penalty strength, >= 0. Zero is ordinary least squares.
    l1_ratio : float, default=0.5
        Share of the norms, in [0, 1]; 1 is the multi-task lasso, 0 is ridge regression.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercepts b.
    copy_X : bool, default=True
        Without effect, since X is never written to; here so that code for scikit-learn runs.
    max_iter : int, default=1000
        Limit on outer iterations.
    tol : float, default=1e-4
        Stop at a duality gap of tol * sum_i w_i ||y_i - c||^2, with c the weighted mean of Y if
        `fit_intercept`, else 0: scikit-learn's rule.
    warm_start : bool, default=False
        Whether `fit` starts at the solution of the fit before.
    random_state : int, RandomState instance or None, default=None
        Seed of the random order of features; used when `selection='random'`.
    selection : {'cyclic', 'random'}, default='cyclic'
        Order in which coordinate descent visits the features.
    penalty_weights : array-like of shape (n_features,), default=None
        Non-negative factors v of the penalty; zero leaves a feature unpenalised (then no dual
        point is known, `dual_gap_` is `inf`, and `tol` bounds the violation relative to that of
        B = 0).
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
    coef_ : ndarray of shape (n_targets, n_features)
        Coefficients, of the type of X (float32 or float64).
    sparse_coef_ : csr_matrix of shape (n_targets, n_features)
        The same, only the non-zeros.
    intercept_ : ndarray of shape (n_targets,)
        Intercepts, 0 without `fit_intercept`.
    n_iter_ : int
        Outer iterations.
    dual_gap_ : float
        Duality gap: the objective is at most this far above its minimum.
    result_ : OutputsResult
        Solution in float64 with status, gap, violation and trace.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    multi_task_path : The same at a sequence of penalty strengths, with the references.
    MultiTaskElasticNetCV : `alpha` and `l1_ratio` by cross-validation.

    Examples
    --------
    >>> from cycloid.linear_model import MultiTaskElasticNet
    >>> model = MultiTaskElasticNet(alpha=0.1)
    >>> model.fit([[0, 0], [1, 1], [2, 2]], [[0, 0], [1, 1], [2, 2]]).coef_.round(2)
    array([[0.46, 0.46],
           [0.46, 0.46]])
    >>> model.result_.status.sentence
    'the tolerance was reached'
    """

    path: Any = staticmethod(multi_task_path)

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
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
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
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
        y : array-like of shape (n_samples, n_targets)
            Targets.
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
            If the gap stays above the tolerance; the message says why and what helps.
        """
        check_flag("copy_X", self.copy_X)
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, **X_CHECKS)
        if y.ndim == 1:
            raise ValueError(
                f"y must have shape (n_samples, n_targets); got {y.shape}. For a single target "
                "use ElasticNet or Lasso"
            )
        n_samples, n_features = X.shape
        targets = as_targets(y, n_samples, "y")
        problem = GroupProblem(
            X=viewable(X),
            y=targets,
            weights=as_weights(sample_weight, n_samples),
            loss="squared",
            n_outputs=targets.shape[1],
            fit_intercept=check_flag("fit_intercept", self.fit_intercept),
            **elastic_net_rows(
                check_real("l1_ratio", self.l1_ratio, high=1.0),
                as_penalty_weights(self.penalty_weights, n_features),
                n_features,
                rows=True,
            ),
        )
        path = problem.solve_outputs(
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
            coef_init=self._start(targets.shape[1], n_features),
        )
        self._store(path.at(0), X.dtype)
        warn_unless_converged(type(self).__name__, path)
        return self

    def _start(self, n_targets: int, n_features: int) -> Vector | None:
        if not (check_flag("warm_start", self.warm_start) and hasattr(self, "coef_")):
            return None
        return as_coef_matrix(self.coef_, n_targets, n_features)

    def _store(self, result: OutputsResult, dtype: Any) -> None:
        self.result_ = result
        self.coef_: NDArray[Any] = result.coef.astype(dtype)
        self.intercept_ = result.intercept.astype(dtype)
        self.dual_gap_ = result.gap
        self.n_iter_ = result.n_iter

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        return tags


class MultiTaskLasso(MultiTaskElasticNet):
    """Several targets that share their features, scikit-learn's `MultiTaskLasso`.

    Minimise over the intercepts b and the coefficients B, a row a target::

        sum_i w_i ||y_i - b - B x_i||^2 / 2 + alpha * sum_j v_j ||B_j||

    with the symbols of `MultiTaskElasticNet`, of which this is `l1_ratio=1`.

    Parameters
    ----------
    alpha : float, default=1.0
        Penalty strength, >= 0. Zero is ordinary least squares.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercepts b.
    copy_X, max_iter, tol, warm_start, random_state, selection, penalty_weights, n_threads, \
            time_limit, callback, verbose
        See `MultiTaskElasticNet`.

    Attributes
    ----------
    coef_, sparse_coef_, intercept_, n_iter_, dual_gap_, result_
        See `MultiTaskElasticNet`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    multi_task_path : The same at a sequence of penalty strengths.
    MultiTaskLassoCV : `alpha` by cross-validation.

    Examples
    --------
    >>> from cycloid.linear_model import MultiTaskLasso
    >>> model = MultiTaskLasso(alpha=0.5, tol=1e-10)
    >>> model.fit([[0, 1], [1, 0], [2, 1]], [[0, 0], [1, 1], [2, 3]]).coef_.round(2)
    array([[0.58, 0.  ],
           [0.88, 0.  ]])
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
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
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            random_state=random_state,
            selection=selection,
            penalty_weights=penalty_weights,
            n_threads=n_threads,
            time_limit=time_limit,
            callback=callback,
            verbose=verbose,
        )
