"""PoissonRegressor: counts, with a log link and an L2 penalty."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import d2_tweedie_score
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from cycloid._inputs import (
    X_CHECKS,
    Vector,
    as_target,
    as_weights,
    check_finite_real,
    check_flag,
    check_option,
    viewable,
)
from cycloid._result import Callback
from cycloid.linear_model._finite_sum import (
    SumProblem,
    newton_sketch,
    sum_controls,
    warn_unless_solved,
)

# scikit-learn's solvers that minimise the same objective.
SOLVERS = ("auto", "newton-sketch", "lbfgs", "newton-cholesky")


class PoissonRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Poisson regression with an L2 penalty, scikit-learn's `PoissonRegressor`.

    Minimise over the intercept b and the coefficients beta::

        sum_i w_i (exp(z_i) - y_i z_i) / sum_i w_i + alpha / 2 ||beta||^2,   z_i = b + x_i . beta

    where x_i is row i of `X`, w_i the sample weight (1 by default), and b = 0 unless
    `fit_intercept`. The minimiser is scikit-learn's.

    Parameters
    ----------
    alpha : float, default=1.0
        Penalty strength, >= 0.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercept b.
    solver : {'auto', 'newton-sketch', 'lbfgs', 'newton-cholesky'}, default='auto'
        All name the same algorithm, Newton's method with a randomly sketched preconditioner [1]_;
        scikit-learn's names are taken since they name the same objective.
    max_iter : int, default=100
        Limit on Newton steps.
    tol : float, default=1e-4
        Stop where no partial derivative of the objective is larger, as in scikit-learn.
    warm_start : bool, default=False
        Whether `fit` starts at the solution of the fit before.
    verbose : int, default=0
        1 prints a line a Newton step.
    random_state : int, RandomState instance or None, default=None
        Seed of subsamples and sketches, which move the solution by less than the tolerance.
    n_threads : int, default=None
        Number of threads, with the same result for any. None: the environment variable
        CYCLOID_NUM_THREADS, else all CPUs that the process may use, within OpenMP's limits;
        -1: all CPUs.
    time_limit : float, default=None
        Seconds after which `fit` ends with the solution reached.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms and at least once. True stops
        the fit; an exception passes through unchanged.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients, of the type of X (float32 or float64).
    intercept_ : float
        Intercept, 0 without `fit_intercept`.
    n_iter_ : int
        Newton steps.
    result_ : NewtonResult
        Solution in float64 with status, gap, violation and trace.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    References
    ----------
    .. [1] M. Pilanci, M. J. Wainwright, "Newton sketch: a near linear-time optimization algorithm
       with linear-quadratic convergence", SIAM Journal on Optimization 27(1), 2017.

    Examples
    --------
    >>> from cycloid.linear_model import PoissonRegressor
    >>> X = [[1, 2], [2, 3], [3, 4], [4, 3]]
    >>> y = [12, 17, 22, 21]
    >>> model = PoissonRegressor().fit(X, y)
    >>> model.predict([[1, 1], [3, 4]]).round(1)
    array([10.7, 21.9])
    """

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        fit_intercept: bool = True,
        solver: str = "auto",
        max_iter: int = 100,
        tol: float = 1e-4,
        warm_start: bool = False,
        verbose: int = 0,
        random_state: Any = None,
        n_threads: int | None = None,
        time_limit: float | None = None,
        callback: Callback | None = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state
        self.n_threads = n_threads
        self.time_limit = time_limit
        self.callback = callback

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features. Dense arrays of either order and CSR, float32 or float64, are used where they
            lie; CSC is copied into rows. Never written to.
        y : array-like of shape (n_samples,)
            Counts or rates, >= 0.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TypeError
            If a parameter or an array has the wrong type.
        ValueError
            If one has a wrong value or shape, or NaN or infinity; if y is negative somewhere.

        Warns
        -----
        ConvergenceWarning
            If a derivative stays above the tolerance; the message says why and what helps.
        """
        check_option("solver", self.solver, SOLVERS)
        X, y = validate_data(self, X, y, y_numeric=True, **X_CHECKS)
        counts = as_target(y, X.shape[0])
        if counts.min() < 0:
            raise ValueError(
                f"y must be non-negative: some value(s) of y are out of the valid range of the "
                f"Poisson loss; got {counts.min():g}"
            )
        problem = SumProblem(
            X=viewable(X),
            y=counts,
            weights=as_weights(sample_weight, len(counts)),
            loss="poisson",
            n_outputs=1,
            ridge=check_finite_real("alpha", self.alpha),
            fit_intercept=check_flag("fit_intercept", self.fit_intercept),
        )
        result = newton_sketch(
            problem,
            sum_controls(
                max_iter=self.max_iter,
                random_state=self.random_state,
                n_threads=self.n_threads,
                time_limit=self.time_limit,
                callback=self.callback,
                verbose=self.verbose,
            ),
            gradient_tol=check_finite_real("tol", self.tol),
            start=self._start(problem),
        )
        self.result_ = result
        self.coef_ = result.coef[0].astype(X.dtype)
        self.intercept_ = X.dtype.type(result.intercept[0])
        self.n_iter_ = result.n_iter
        warn_unless_solved(type(self).__name__, result)
        return self

    def _start(self, problem: SumProblem) -> Vector | None:
        if not (check_flag("warm_start", self.warm_start) and hasattr(self, "coef_")):
            return None
        if len(self.coef_) != problem.X.shape[1]:
            raise ValueError(
                f"warm_start needs as many features as before, {len(self.coef_)}; got "
                f"{problem.X.shape[1]}"
            )
        return problem.join(np.asarray(self.coef_), np.atleast_1d(self.intercept_))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the mean of the counts.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,)
            `exp(X @ coef_ + intercept_)`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=("csr", "csc"), reset=False)
        means: NDArray[Any] = np.exp(X @ self.coef_ + self.intercept_)
        return means

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """The share of the deviance that is explained, D^2.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Counts or rates.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the samples.

        Returns
        -------
        float
            1 - deviance(y, prediction) / deviance(y, mean of y); at most 1.
        """
        return float(d2_tweedie_score(y, self.predict(X), sample_weight=sample_weight, power=1))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.positive_only = True
        return tags
