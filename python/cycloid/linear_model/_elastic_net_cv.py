"""LassoCV and ElasticNetCV: the penalty chosen by cross-validation."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import column_or_1d, validate_data

from cycloid._inputs import (
    X_CHECKS,
    Vector,
    as_penalty_weights,
    as_strengths,
    as_target,
    as_weights,
    check_finite_real,
    check_flag,
    check_integer,
    check_real,
    job_count,
    viewable,
)
from cycloid._result import warn_unless_converged
from cycloid.linear_model._cross_validation import (
    Fold,
    FoldProblem,
    FoldTask,
    PathProblem,
    fit_folds,
    row_indices,
)
from cycloid.linear_model._least_squares_path import enet_path, lasso_path
from cycloid.linear_model._linear_predictor import LinearPredictor
from cycloid.linear_model._solve import Controls, controls


class ElasticNetCV(LinearPredictor):
    """Elastic net with `alpha` and `l1_ratio` chosen by cross-validation.

    For each candidate, the mean over folds of the (weighted) mean squared error on held-out
    samples is computed; the best candidate is fitted again on all samples. The objective is that
    of `ElasticNet`::

        sum_i w_i (y_i - b - x_i . beta)^2 / 2
            + alpha * sum_j v_j (l1_ratio |beta_j| + (1 - l1_ratio) / 2 beta_j^2)

    Parameters
    ----------
    l1_ratio : float or array-like of float, default=0.5
        Share or shares of the L1 penalty to try, in [0, 1].
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, divided by the largest; in (0, 1].
    alphas : int or array-like, default=100
        Number of values of an automatic grid for each `l1_ratio`, geometric from the smallest
        alpha at which all penalised coefficients are zero; or the values to try.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercept b.
    precompute : {'auto', True, False}, default='auto'
        Whether to work on the Gram matrix of the features: 'auto' where it pays.
    max_iter : int, default=1000
        Limit on outer iterations of each solve: working sets, or Newton steps on one.
    tol : float, default=1e-4
        Tolerance of each solve, as in `ElasticNet`.
    cv : int, cross-validation generator or iterable, default=None
        Folds: None for 5, a number for `KFold`, a splitter of scikit-learn, or pairs of train and
        test indices.
    copy_X : bool, default=True
        Without effect, since X is neither written to nor copied for the folds; here so that code
        for scikit-learn runs.
    verbose : int, default=0
        1 prints a line a fold and a line for the last fit, 2 all its reported iterations.
    n_jobs : int, default=None
        Number of folds solved at a time, in threads; None is 1 unless in a joblib context, -1 is
        all CPUs. They share `n_threads`, so the machine is never oversubscribed, and the result
        is the same for any number.
    positive : bool, default=False
        Whether to restrict the coefficients to be non-negative.
    random_state : int, RandomState instance or None, default=None
        Seed of the random order of coordinates; used when `selection='random'`.
    selection : {'cyclic', 'random'}, default='cyclic'
        Order in which coordinate descent visits the coordinates.
    penalty_weights : array-like of shape (n_features,), default=None
        Non-negative factors v of the penalty; zero leaves a coefficient unpenalised.
    n_threads : int, default=None
        Number of threads in all. None: the environment variable CYCLOID_NUM_THREADS, else all
        CPUs that the process may use, within OpenMP's limits; -1: all CPUs.

    Attributes
    ----------
    alpha_ : float
        Penalty strength chosen.
    l1_ratio_ : float
        Share of the L1 penalty chosen.
    coef_ : ndarray of shape (n_features,)
        Coefficients, of the type of X (float32 or float64).
    sparse_coef_ : csr_matrix of shape (1, n_features)
        The same, only the non-zeros.
    intercept_ : float
        Intercept, 0 without `fit_intercept`.
    mse_path_ : ndarray of shape (n_l1_ratio, n_alphas, n_folds)
        Mean squared error on each fold; without the first axis for a single `l1_ratio`.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        Strengths tried, from the largest to the smallest.
    dual_gap_ : float
        Duality gap of the last fit: the objective is at most this far above its minimum.
    n_iter_ : int
        Outer iterations of the last fit.
    result_ : Result
        Solution of the last fit in float64 with status, gap, violation and trace.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    ElasticNet : One strength.
    enet_path : A sequence of strengths.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from cycloid.linear_model import ElasticNetCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=20).fit(X, y)
    >>> model.l1_ratio_
    1.0
    >>> model.mse_path_.shape
    (2, 20, 5)
    """

    path: Any = staticmethod(enet_path)
    _grid_needs_l1 = True

    def __init__(
        self,
        *,
        l1_ratio: Any = 0.5,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        fit_intercept: bool = True,
        precompute: str | bool = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        copy_X: bool = True,
        verbose: int = 0,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_weights: ArrayLike | None = None,
        n_threads: int | None = None,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.penalty_weights = penalty_weights
        self.n_threads = n_threads

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Choose the penalty and fit.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features. Never written to.
        y : array-like of shape (n_samples,)
            Target.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples, for the fits and for the errors on the folds.
        groups : array-like of shape (n_samples,), default=None
            Group of each sample, for splitters that need it.

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
            If a gap stays above the tolerance, on a fold or in the last fit.
        """
        from sklearn.model_selection import check_cv  # a third of all that an import would load

        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, **X_CHECKS)
        problem = self._problem(X, y, as_weights(sample_weight, X.shape[0]))
        control = self._controls()
        ratios = self._l1_ratios()
        grids = self._grids(problem, ratios, control)
        splits = [
            (row_indices(train), row_indices(test))
            for train, test in check_cv(self.cv).split(X, y, groups)
        ]
        folds = fit_folds(
            problem,
            [
                FoldTask(l1_ratio=ratio, alphas=grid, train=train, test=test)
                for ratio, grid in zip(ratios, grids, strict=True)
                for train, test in splits
            ],
            control,
            self._n_workers(len(splits) * len(ratios), control),
        )
        self._choose(ratios, grids, folds)
        last = problem.solve(
            problem.weights, control, alphas=np.array([self.alpha_]), l1_ratio=self.l1_ratio_
        )
        self._store(last.at(0), X.dtype)
        warn_unless_converged(type(self).__name__, *(fold.path for fold in folds), last)
        return self

    def _problem(self, X: Any, y: Any, weights: Vector | None) -> FoldProblem:
        check_flag("copy_X", self.copy_X)
        n_samples, n_features = X.shape
        return PathProblem(
            X=viewable(X),
            y=as_target(column_or_1d(y, warn=True), n_samples),
            weights=weights,
            penalty_weights=as_penalty_weights(self.penalty_weights, n_features),
            positive=check_flag("positive", self.positive),
            fit_intercept=check_flag("fit_intercept", self.fit_intercept),
        )

    def _store(self, result: Any, dtype: Any) -> None:
        self.result_ = result
        self.coef_ = result.coef.astype(dtype)
        self.intercept_ = dtype.type(result.intercept)
        self.dual_gap_ = result.gap
        self.n_iter_ = result.n_iter

    def _controls(self) -> Controls:
        return controls(
            rtol=2 * check_finite_real("tol", self.tol),  # the null objective has a factor 1/2
            max_iter=self.max_iter,
            precompute=self.precompute,
            selection=self.selection,
            random_state=self.random_state,
            n_threads=self.n_threads,
            verbose=self.verbose,
        )

    def _l1_ratios(self) -> list[float]:
        ratios = np.atleast_1d(np.asarray(self.l1_ratio, dtype=object))
        return [check_real("l1_ratio", ratio, high=1.0) for ratio in ratios]

    def _grids(self, problem: FoldProblem, ratios: list[float], control: Controls) -> list[Vector]:
        eps = check_real("eps", self.eps, open_low=True, high=1.0)
        n_alphas: Any = self.alphas
        if not isinstance(n_alphas, Integral):
            given = np.sort(as_strengths("alphas", n_alphas))[::-1].copy()
            return [given] * len(ratios)
        n_alphas = check_integer("alphas", n_alphas, low=1)
        if self._grid_needs_l1 and 0.0 in ratios:
            raise ValueError(
                "alphas must be given when l1_ratio=0: without an L1 penalty no finite alpha "
                "makes all coefficients zero, so no grid can start there"
            )
        quiet = control.quiet(n_threads=control.n_threads, callback=None)
        return problem.alpha_grids(ratios, n_alphas, eps, quiet)

    def _n_workers(self, n_tasks: int, control: Controls) -> int:
        return max(1, min(job_count(self.n_jobs), n_tasks, control.n_threads))

    def _choose(self, ratios: list[float], grids: list[Vector], folds: list[Fold]) -> None:
        shape = (len(ratios), -1, len(grids[0]))
        errors = np.reshape([fold.errors for fold in folds], shape)
        means = errors.mean(axis=1)
        ratio, alpha = np.unravel_index(np.argmin(means), means.shape)
        self.alpha_ = float(grids[ratio][alpha])
        self.l1_ratio_ = ratios[ratio]
        self.mse_path_ = np.squeeze(np.moveaxis(errors, 2, 1))
        given = not isinstance(self.alphas, Integral)
        self.alphas_ = grids[0] if given or len(grids) == 1 else np.array(grids)


class LassoCV(ElasticNetCV):
    """Lasso with `alpha` chosen by cross-validation.

    For each candidate, the mean over folds of the (weighted) mean squared error on held-out
    samples is computed; the best candidate is fitted again on all samples. The objective is that
    of `Lasso`::

        sum_i w_i (y_i - b - x_i . beta)^2 / 2 + alpha * sum_j v_j |beta_j|

    Parameters
    ----------
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, divided by the largest; in (0, 1].
    alphas : int or array-like, default=100
        Number of values of an automatic grid, geometric from the smallest alpha at which all
        penalised coefficients are zero; or the values to try.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercept b.
    precompute : {'auto', True, False}, default='auto'
        Whether to work on the Gram matrix of the features: 'auto' where it pays.
    max_iter : int, default=1000
        Limit on outer iterations of each solve: working sets, or Newton steps on one.
    tol : float, default=1e-4
        Tolerance of each solve, as in `Lasso`.
    copy_X, cv, verbose, n_jobs, positive, random_state, selection, penalty_weights, n_threads
        See `ElasticNetCV`.

    Attributes
    ----------
    alpha_ : float
        Penalty strength chosen.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared error on each fold.
    alphas_ : ndarray of shape (n_alphas,)
        Strengths tried, from the largest to the smallest.
    coef_, sparse_coef_, intercept_, dual_gap_, n_iter_, result_
        See `ElasticNetCV`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    Lasso : One strength.
    lasso_path : A sequence of strengths.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from cycloid.linear_model import LassoCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LassoCV(alphas=20).fit(X, y)
    >>> model.mse_path_.shape
    (20, 5)
    >>> round(model.score(X, y), 2)
    0.52
    """

    path: Any = staticmethod(lasso_path)

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        fit_intercept: bool = True,
        precompute: str | bool = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        cv: Any = None,
        verbose: int = 0,
        n_jobs: int | None = None,
        positive: bool = False,
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
            precompute=precompute,
            max_iter=max_iter,
            tol=tol,
            copy_X=copy_X,
            cv=cv,
            verbose=verbose,
            n_jobs=n_jobs,
            positive=positive,
            random_state=random_state,
            selection=selection,
            penalty_weights=penalty_weights,
            n_threads=n_threads,
        )
