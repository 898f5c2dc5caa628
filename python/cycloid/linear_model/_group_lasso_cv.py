"""GroupLassoCV and SparseGroupLassoCV: penalties chosen by cross-validation."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.validation import column_or_1d

from cycloid._inputs import Vector, as_target, check_finite_real, check_flag, viewable
from cycloid.linear_model._cross_validation import FoldProblem, GroupedPathProblem
from cycloid.linear_model._elastic_net_cv import ElasticNetCV
from cycloid.linear_model._group_lasso import group_lasso_path
from cycloid.linear_model._groups import (
    GroupProblem,
    as_group_weights,
    as_groups,
    group_penalty,
)
from cycloid.linear_model._solve import Controls, controls


class SparseGroupLassoCV(ElasticNetCV):
    """Sparse-group Lasso with `alpha` and `l1_ratio` chosen by cross-validation.

    For each candidate, the mean over folds of the (weighted) mean squared error on held-out
    samples is computed; the best candidate is fitted again on all samples. The objective is that
    of `SparseGroupLasso`::

        sum_i w_i (y_i - b - x_i . beta)^2 / 2
            + alpha * (l1_ratio ||beta||_1 + (1 - l1_ratio) sum_g v_g ||beta_g||)

    Parameters
    ----------
    groups : int, list of int, or list of lists of int, default=1
        A partition of the features, as in `SparseGroupLasso`.
    l1_ratio : float or array-like of float, default=0.5
        Share of the L1 penalty, in [0, 1]; several values are all tried.
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, divided by the largest; in (0, 1].
    alphas : int or array-like, default=100
        Number of values of an automatic grid, geometric from the smallest alpha at which all
        penalised coefficients are zero; or the values to try.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercept b.
    group_weights : array-like of shape (n_groups,), default=None
        Non-negative factors v of the norms; by default the roots of the groups' sizes.
    max_iter : int, default=1000
        Limit on outer iterations of each solve.
    tol : float, default=1e-4
        Tolerance of each solve, as in `SparseGroupLasso`.
    cv : int, splitter or iterable, default=None
        Folds: None is 5-fold, an integer the number of folds, a splitter of scikit-learn, or pairs
        of train and test indices.
    verbose, n_jobs, random_state, selection, n_threads
        See `ElasticNetCV`.

    Attributes
    ----------
    alpha_ : float
        Penalty strength chosen.
    l1_ratio_ : float
        Share of the L1 penalty chosen.
    mse_path_ : ndarray of shape (n_l1_ratio, n_alphas, n_folds)
        Mean squared error on each fold; without the first axis for a single `l1_ratio`.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        Strengths tried, from the largest to the smallest.
    coef_, sparse_coef_, intercept_, dual_gap_, n_iter_, result_
        See `SparseGroupLasso`; of the last fit.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    SparseGroupLasso : One strength.
    group_lasso_path : A sequence of strengths.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from cycloid.linear_model import SparseGroupLassoCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = SparseGroupLassoCV([2, 2, 6], l1_ratio=[0.1, 0.9], alphas=10).fit(X, y)
    >>> model.mse_path_.shape
    (2, 10, 5)
    >>> round(model.score(X, y), 2)
    0.52
    """

    path: Any = staticmethod(group_lasso_path)

    def __init__(
        self,
        groups: int | ArrayLike = 1,
        *,
        l1_ratio: Any = 0.5,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        fit_intercept: bool = True,
        group_weights: ArrayLike | None = None,
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        verbose: int = 0,
        n_jobs: int | None = None,
        random_state: Any = None,
        selection: str = "cyclic",
        n_threads: int | None = None,
    ) -> None:
        self.groups = groups
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.group_weights = group_weights
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection
        self.n_threads = n_threads

    # Without an L1 penalty the norms still have a kink at zero, from which a grid can start.
    _grid_needs_l1 = False

    def _problem(self, X: Any, y: Any, weights: Vector | None) -> FoldProblem:
        design, (n_samples, n_features) = viewable(X), X.shape
        target = as_target(column_or_1d(y, warn=True), n_samples)
        partition = as_groups(self.groups, n_features)
        factors = as_group_weights(self.group_weights, partition)
        fit_intercept = check_flag("fit_intercept", self.fit_intercept)

        def build(l1_ratio: float) -> GroupProblem:
            return GroupProblem(
                X=design,
                y=target,
                weights=weights,
                loss="squared",
                n_outputs=1,
                fit_intercept=fit_intercept,
                **group_penalty(partition, factors, l1_ratio),
            )

        return GroupedPathProblem(
            X=design, y=target, weights=weights, build=build, n_outputs=1, several=False
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


class GroupLassoCV(SparseGroupLassoCV):
    """Group Lasso with `alpha` chosen by cross-validation.

    For each candidate, the mean over folds of the (weighted) mean squared error on held-out
    samples is computed; the best candidate is fitted again on all samples. The objective is that
    of `GroupLasso`::

        sum_i w_i (y_i - b - x_i . beta)^2 / 2 + alpha * sum_g v_g ||beta_g||

    Parameters
    ----------
    groups : int, list of int, or list of lists of int, default=1
        A partition of the features, as in `GroupLasso`.
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, divided by the largest; in (0, 1].
    alphas : int or array-like, default=100
        Number of values of an automatic grid, geometric from the smallest alpha at which all
        penalised coefficients are zero; or the values to try.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercept b.
    group_weights, max_iter, tol, cv, verbose, n_jobs, random_state, selection, n_threads
        See `SparseGroupLassoCV`.

    Attributes
    ----------
    alpha_ : float
        Penalty strength chosen.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared error on each fold.
    alphas_ : ndarray of shape (n_alphas,)
        Strengths tried, from the largest to the smallest.
    coef_, sparse_coef_, intercept_, dual_gap_, n_iter_, result_
        See `GroupLasso`; of the last fit.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    GroupLasso : One strength.
    group_lasso_path : A sequence of strengths.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from cycloid.linear_model import GroupLassoCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = GroupLassoCV([2, 2, 6], alphas=10).fit(X, y)
    >>> model.mse_path_.shape
    (10, 5)
    """

    def __init__(
        self,
        groups: int | ArrayLike = 1,
        *,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        fit_intercept: bool = True,
        group_weights: ArrayLike | None = None,
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        verbose: int = 0,
        n_jobs: int | None = None,
        random_state: Any = None,
        selection: str = "cyclic",
        n_threads: int | None = None,
    ) -> None:
        super().__init__(
            groups=groups,
            l1_ratio=0.0,
            eps=eps,
            alphas=alphas,
            fit_intercept=fit_intercept,
            group_weights=group_weights,
            max_iter=max_iter,
            tol=tol,
            cv=cv,
            verbose=verbose,
            n_jobs=n_jobs,
            random_state=random_state,
            selection=selection,
            n_threads=n_threads,
        )
