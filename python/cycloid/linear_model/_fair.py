"""FairLogisticRegression: scores that do not vary with a sensitive feature."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cycloid._inputs import X_CHECKS, check_option
from cycloid._result import Callback
from cycloid.linear_model._constrained import ConstrainedLogisticRegression
from cycloid.linear_model._finite_sum import Matrix, SumProblem
from cycloid.linear_model._logistic_predictor import logistic_problem

CONSTRAINTS = ("demographic_parity", "equal_opportunity")


class FairLogisticRegression(ConstrainedLogisticRegression):
    """Logistic regression whose scores have no covariance with sensitive features.

    Minimise over the intercept b and the coefficients beta::

        sum_i w_i log(1 + exp(-s_i (b + x_i . beta))) / sum_i w_i + 1 / (2 C sum_i w_i) ||beta||^2

    subject to, for each sensitive feature a::

        sum_{i in I} w_i (a_i - mean_I(a)) (x_i . beta) = 0

    where x_i is row i of `X`, s_i is +1 for `classes_[1]` and -1 for `classes_[0]`, w_i is the
    sample weight times the class weight (1 by default), mean_I the weighted mean over I, and b = 0
    unless `fit_intercept`. I holds all samples for demographic parity, and those of `classes_[1]`
    for equal opportunity. For a binary feature a this says that both groups have the same mean
    score; it is the linear stand-in for equal rates of positive decisions [1]_, which the
    thresholded scores meet only nearly.

    Parameters
    ----------
    sensitive_features : int, str or sequence of them, default=None
        Columns of X that are sensitive: positions, or names where X has names. They stay features
        of the model. None: `fit` is given the sensitive features by themselves.
    constraint : {'demographic_parity', 'equal_opportunity'}, default='demographic_parity'
        Over which samples the covariance vanishes.
    C, fit_intercept, class_weight, tol, max_iter, random_state, verbose
        See `ConstrainedLogisticRegression`.
    warm_start, n_threads, time_limit, callback
        See `ConstrainedLogisticRegression`.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        Class labels, sorted; `classes_[1]` is the one that counts as the opportunity.
    coef_ : ndarray or csr_matrix of shape (1, n_features)
        Coefficients, float64.
    intercept_ : ndarray of shape (1,)
        Intercept, 0 without `fit_intercept`.
    covariances_ : ndarray of shape (n_sensitive,)
        The weighted covariances that were to vanish, as they are, divided by the deviation of the
        sensitive feature.
    multipliers_ : ndarray
        Of the constraints after linearly dependent ones are left out, in an orthonormal basis.
    n_iter_ : int
        Newton steps.
    result_ : NewtonResult
        Solution with status, violations, multipliers and trace.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    References
    ----------
    .. [1] M. B. Zafar, I. Valera, M. Gomez Rodriguez, K. P. Gummadi, "Fairness constraints:
       mechanisms for fair classification", AISTATS 2017, equation (4).

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.linear_model import FairLogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> group = rng.integers(0, 2, 400)
    >>> X = rng.standard_normal((400, 3)) + 0.7 * group[:, np.newaxis]
    >>> y = X.sum(axis=1) + rng.standard_normal(400) > 1
    >>> model = FairLogisticRegression().fit(X, y, sensitive_features=group)
    >>> scores = model.decision_function(X)
    >>> bool(abs(scores[group == 0].mean() - scores[group == 1].mean()) < 1e-4)
    True
    """

    def __init__(
        self,
        sensitive_features: Any = None,
        constraint: str = "demographic_parity",
        *,
        C: float = 1.0,
        fit_intercept: bool = True,
        class_weight: Any = None,
        tol: float = 1e-6,
        max_iter: int = 200,
        random_state: Any = None,
        verbose: int = 0,
        warm_start: bool = False,
        n_threads: int | None = None,
        time_limit: float | None = None,
        callback: Callback | None = None,
    ) -> None:
        self.sensitive_features = sensitive_features
        self.constraint = constraint
        self.C = C
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_threads = n_threads
        self.time_limit = time_limit
        self.callback = callback

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        sensitive_features: Any = None,
    ) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features. Dense arrays of either order and CSR, float32 or float64, are used where they
            lie; CSC is copied into rows. Never written to.
        y : array-like of shape (n_samples,)
            Labels of two classes.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples.
        sensitive_features : array-like of shape (n_samples,) or (n_samples, n_sensitive), \\
                default=None
            Sensitive features that are no columns of X. Numbers are taken as they are, labels as
            an indicator for each group but the first. Not together with the parameter of the
            estimator.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TypeError
            If a parameter or an array has the wrong type.
        ValueError
            If one has a wrong value or shape, or NaN or infinity; if y has not two classes; if no
            sensitive feature is given, or all of them twice.

        Warns
        -----
        ConvergenceWarning
            If the violation stays above the tolerance; the message says why and what helps.
        """
        check_option("constraint", self.constraint, CONSTRAINTS)
        X, y = validate_data(self, X, y, **X_CHECKS)
        check_classification_targets(y)
        problem, classes = logistic_problem(self, X, y, sample_weight, self.C)
        if len(classes) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is multiclass: y "
                f"has {len(classes)} classes"
            )
        sensitive = self._sensitive(X, sensitive_features)
        covariance = _covariances(problem, sensitive, self.constraint)
        if not np.isfinite(covariance).all():
            assert_all_finite(X.data if sparse.issparse(X) else X, input_name="X")
            raise ValueError("sensitive_features must be of moderate size; sums of them overflow")
        # Of constraints that depend on each other a basis is kept.
        _, sizes, basis = np.linalg.svd(covariance, full_matrices=False)
        A = np.ascontiguousarray(basis[sizes > 1e-10 * max(sizes.max(initial=0.0), 1e-300)])
        self._solve(problem, classes, A=A, b=np.zeros(len(A)), norm=None, quadratics=[])
        self.covariances_ = covariance @ self.coef_[0]
        return self

    def _sensitive(self, X: Any, given: Any) -> Matrix:
        """Sensitive features as numbers, a column each."""
        if (given is None) == (self.sensitive_features is None):
            raise ValueError(
                "sensitive_features must be given once, to the estimator (columns of X) or to fit "
                f"(their values); got it {'nowhere' if given is None else 'in both places'}"
            )
        if given is None:
            columns = [self._position(column, X.shape[1]) for column in self._columns()]
            chosen = X[:, columns]
            values = chosen.toarray() if sparse.issparse(chosen) else chosen
            return np.asarray(values, dtype=np.float64)
        table = check_array(
            given, dtype=None, ensure_2d=False, ensure_all_finite=False,
            input_name="sensitive_features",
        )  # fmt: skip
        table = table[:, np.newaxis] if table.ndim == 1 else table
        if len(table) != X.shape[0]:
            raise ValueError(
                f"sensitive_features must have length {X.shape[0]} (one row a row of X); got "
                f"{len(table)}"
            )
        return np.column_stack([_numbers(column) for column in table.T])

    def _columns(self) -> list[Any]:
        chosen = self.sensitive_features
        several = isinstance(chosen, Iterable) and not isinstance(chosen, str)
        columns = list(chosen) if several else [chosen]
        if not columns:
            raise ValueError("sensitive_features must name a column of X at least; got none")
        return columns

    def _position(self, column: Any, n_features: int) -> int:
        if isinstance(column, str):
            names = list(getattr(self, "feature_names_in_", []))
            if column not in names:
                raise ValueError(f"sensitive_features must name columns of X; got {column!r}")
            return names.index(column)
        if isinstance(column, bool | np.bool_) or not isinstance(column, int | np.integer):
            raise TypeError(
                f"sensitive_features must hold positions or names of columns; got {column!r}"
            )
        if not -n_features <= column < n_features:
            raise ValueError(
                f"sensitive_features must hold positions below {n_features}; got {column}"
            )
        return int(column)

    def score_covariance(self, X: Any, sensitive_features: ArrayLike) -> float:
        """Covariance of the scores with one sensitive feature on other data, in deviations of it.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features.
        sensitive_features : array-like of shape (n_samples,)
            One sensitive feature, of numbers.

        Returns
        -------
        float
            Covariance divided by the deviation of the sensitive feature; 0 where that is constant.
        """
        check_is_fitted(self)
        scores = self.decision_function(X)
        feature = np.asarray(sensitive_features, dtype=np.float64)
        centred = feature - feature.mean()
        deviation = np.sqrt(np.mean(centred**2))
        return float(np.mean(centred * scores) / deviation) if deviation > 0 else 0.0

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _numbers(column: NDArray[Any]) -> Matrix:
    """One sensitive feature as columns of numbers: itself, or an indicator for each other group."""
    if column.dtype.kind in "bif" or (
        column.dtype == object and all(isinstance(value, int | float) for value in column)
    ):
        numbers = column.astype(np.float64)
        assert_all_finite(numbers, input_name="sensitive_features")
        return numbers[:, np.newaxis]
    groups, codes = np.unique(column.astype(str), return_inverse=True)
    indicators: Matrix = np.equal.outer(codes, np.arange(1, len(groups))).astype(np.float64)
    return indicators


def _covariances(problem: SumProblem, sensitive: Matrix, constraint: str) -> Matrix:
    """Rows a with a . beta = the covariance of the scores with a feature, by its deviation."""
    weights = np.ones(len(problem.y)) if problem.weights is None else problem.weights
    if constraint == "equal_opportunity":
        weights = np.where(problem.y > 0, weights, 0.0)
    weights = weights / weights.sum()
    centred = sensitive - weights @ sensitive
    deviations = np.sqrt(weights @ centred**2)
    # What is constant but for rounding has no covariance.
    varies = deviations > 1e-12 * np.abs(sensitive).max(axis=0, initial=0.0)
    scaled = weights[:, np.newaxis] * centred[:, varies] / deviations[varies]
    rows = np.zeros((sensitive.shape[1], problem.X.shape[1]))
    rows[varies] = (problem.X.T @ scaled).T
    return rows
