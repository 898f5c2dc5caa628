"""MultiTaskLassoCV and MultiTaskElasticNetCV: penalties chosen by cross-validation."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import MultiOutputMixin
from sklearn.utils import Tags

from cycloid._inputs import Vector, as_penalty_weights, check_finite_real, check_flag, viewable
from cycloid._result import OutputsResult
from cycloid.linear_model._cross_validation import FoldProblem, GroupedPathProblem
from cycloid.linear_model._elastic_net_cv import ElasticNetCV
from cycloid.linear_model._groups import GroupProblem, as_targets, elastic_net_rows
from cycloid.linear_model._multi_task_path import multi_task_path
from cycloid.linear_model._solve import Controls, controls


class MultiTaskElasticNetCV(MultiOutputMixin, ElasticNetCV):  # type: ignore[misc]
    """Multi-task elastic net with `alpha` and `l1_ratio` chosen by cross-validation.

    For each candidate, the mean over folds of the (weighted) mean squared error of all targets on
    held-out samples is computed; the best candidate is fitted again on all samples. The
    objective is that of `MultiTaskElasticNet`::

        sum_i w_i ||y_i - b - B x_i||^2 / 2
            + alpha * sum_j v_j (l1_ratio ||B_j|| + (1 - l1_ratio) / 2 ||B_j||^2)

    Parameters
    ----------
    l1_ratio : float or array-like of float, default=0.5
        Share of the norms, in [0, 1]; several values are all tried.
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, divided by the largest; in (0, 1].
    alphas : int or array-like, default=100
        Number of values of an automatic grid, geometric from the smallest alpha at which all
        penalised coefficients are zero; or the values to try.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercepts b.
    max_iter : int, default=1000
        Limit on outer iterations of each solve.
    tol : float, default=1e-4
        Tolerance of each solve, as in `MultiTaskElasticNet`.
    cv : int, splitter or iterable, default=None
        Folds: None is 5-fold, an integer the number of folds, a splitter of scikit-learn, or pairs
        of train and test indices.
    copy_X, verbose, n_jobs, random_state, selection, penalty_weights, n_threads
        See `ElasticNetCV`.

    Attributes
    ----------
    alpha_ : float
        Penalty strength chosen.
    l1_ratio_ : float
        Share of the norms chosen.
    coef_ : ndarray of shape (n_targets, n_features)
        Coefficients, of the type of X (float32 or float64).
    intercept_ : ndarray of shape (n_targets,)
        Intercepts, 0 without `fit_intercept`.
    mse_path_ : ndarray of shape (n_l1_ratio, n_alphas, n_folds)
        Mean squared error on each fold; without the first axis for a single `l1_ratio`.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        Strengths tried, from the largest to the smallest.
    sparse_coef_, dual_gap_, n_iter_
        See `MultiTaskElasticNet`; of the last fit.
    result_ : OutputsResult
        Solution of the last fit in float64 with status, gap, violation and trace.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    MultiTaskElasticNet : One strength.
    multi_task_path : A sequence of strengths.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_linnerud
    >>> from cycloid.linear_model import MultiTaskElasticNetCV
    >>> X, Y = load_linnerud(return_X_y=True)
    >>> model = MultiTaskElasticNetCV(l1_ratio=[0.5, 1.0], alphas=10).fit(X, Y)
    >>> model.coef_.shape
    (3, 3)
    >>> model.mse_path_.shape
    (2, 10, 5)
    """

    path: Any = staticmethod(multi_task_path)

    def __init__(
        self,
        *,
        l1_ratio: Any = 0.5,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        copy_X: bool = True,
        verbose: int = 0,
        n_jobs: int | None = None,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_weights: ArrayLike | None = None,
        n_threads: int | None = None,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection
        self.penalty_weights = penalty_weights
        self.n_threads = n_threads

    def _problem(self, X: Any, y: Any, weights: Vector | None) -> FoldProblem:
        if y.ndim == 1:
            raise ValueError(
                f"y must have shape (n_samples, n_targets); got {y.shape}. For a single target "
                "use ElasticNetCV or LassoCV"
            )
        check_flag("copy_X", self.copy_X)
        design, (n_samples, n_features) = viewable(X), X.shape
        targets = as_targets(y, n_samples, "y")
        penalty_weights = as_penalty_weights(self.penalty_weights, n_features)
        fit_intercept = check_flag("fit_intercept", self.fit_intercept)

        def build(l1_ratio: float) -> GroupProblem:
            return GroupProblem(
                X=design,
                y=targets,
                weights=weights,
                loss="squared",
                n_outputs=targets.shape[1],
                fit_intercept=fit_intercept,
                **elastic_net_rows(l1_ratio, penalty_weights, n_features, rows=True),
            )

        return GroupedPathProblem(
            X=design,
            y=targets,
            weights=weights,
            build=build,
            n_outputs=targets.shape[1],
            several=True,
        )

    def _controls(self) -> Controls:
        return controls(
            rtol=2 * check_finite_real("tol", self.tol),  # the null objective has a factor 1/2
            max_iter=self.max_iter,
            selection=self.selection,
            random_state=self.random_state,
            n_threads=self.n_threads,
            verbose=self.verbose,
        )

    def _store(self, result: OutputsResult, dtype: Any) -> None:
        super()._store(result, dtype)
        self.intercept_ = result.intercept.astype(dtype)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        return tags


class MultiTaskLassoCV(MultiTaskElasticNetCV):
    """Multi-task Lasso with `alpha` chosen by cross-validation.

    For each candidate, the mean over folds of the (weighted) mean squared error of all targets on
    held-out samples is computed; the best candidate is fitted again on all samples. The
    objective is that of `MultiTaskLasso`::

        sum_i w_i ||y_i - b - B x_i||^2 / 2 + alpha * sum_j v_j ||B_j||

    Parameters
    ----------
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, divided by the largest; in (0, 1].
    alphas : int or array-like, default=100
        Number of values of an automatic grid, geometric from the smallest alpha at which all
        penalised coefficients are zero; or the values to try.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercepts b.
    max_iter, tol, copy_X, cv, verbose, n_jobs, random_state, selection, penalty_weights, n_threads
        See `MultiTaskElasticNetCV`.

    Attributes
    ----------
    alpha_ : float
        Penalty strength chosen.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared error on each fold.
    alphas_ : ndarray of shape (n_alphas,)
        Strengths tried, from the largest to the smallest.
    coef_, sparse_coef_, intercept_, dual_gap_, n_iter_, result_
        See `MultiTaskElasticNetCV`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    MultiTaskLasso : One strength.
    multi_task_path : A sequence of strengths.

    Examples
    --------
    >>> from sklearn.datasets import load_linnerud
    >>> from cycloid.linear_model import MultiTaskLassoCV
    >>> X, Y = load_linnerud(return_X_y=True)
    >>> MultiTaskLassoCV(alphas=10).fit(X, Y).mse_path_.shape
    (10, 5)
    """

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        cv: Any = None,
        verbose: int = 0,
        n_jobs: int | None = None,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_weights: ArrayLike | None = None,
        n_threads: int | None = None,
    ) -> None:
        super().__init__(
            l1_ratio=1.0,
            eps=eps,
            alphas=alphas,
            fit_intercept=fit_intercept,
            max_iter=max_iter,
            tol=tol,
            copy_X=copy_X,
            cv=cv,
            verbose=verbose,
            n_jobs=n_jobs,
            random_state=random_state,
            selection=selection,
            penalty_weights=penalty_weights,
            n_threads=n_threads,
        )
