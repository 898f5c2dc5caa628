"""LogisticRegression: any mixture of L1 and L2 penalties, or none."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from cycloid._inputs import (
    X_CHECKS,
    Vector,
    as_codes,
    as_coef_init,
    as_penalty_weights,
    as_weights,
    check_finite_real,
    check_flag,
    check_option,
    check_real,
    viewable,
)
from cycloid._result import Callback, PathResult, Result, warn_unless_converged
from cycloid.linear_model._finite_sum import (
    NewtonResult,
    SumProblem,
    constant_model_loss,
    newton_sketch,
    sum_controls,
    warn_unless_solved,
)
from cycloid.linear_model._groups import as_coef_matrix
from cycloid.linear_model._logistic_path import check_both_weighted
from cycloid.linear_model._logistic_predictor import (
    LogisticPredictor,
    class_weighted,
    logistic_problem,
)
from cycloid.linear_model._multinomial_path import multinomial_problem
from cycloid.linear_model._penalty import elastic_net_form
from cycloid.linear_model._solve import Controls, controls, solve_path

# scikit-learn's solvers that minimise the objective of `LogisticRegression`.
EQUIVALENT_SOLVERS = ("auto", "lbfgs", "newton-cg", "newton-cholesky", "sag", "saga")
SOLVERS = (*EQUIVALENT_SOLVERS, "newton-sketch")


class LogisticRegression(LogisticPredictor):
    """Logistic regression with L1 and L2 penalties, scikit-learn's `LogisticRegression`.

    Minimise over the intercept b and the coefficients beta::

        C * sum_i w_i log(1 + exp(-s_i (b + x_i . beta)))
            + sum_j v_j (l1_ratio |beta_j| + (1 - l1_ratio) / 2 beta_j^2)

    where x_i is row i of `X`, s_i is +1 for `classes_[1]` and -1 for `classes_[0]`, w_i is the
    sample weight times the class weight (1 by default), v_j = penalty_weights_j (1 by default),
    and b = 0 unless `fit_intercept`. The minimiser is scikit-learn's; `tol` is reached with a
    certificate. More than two classes have the multinomial model, with a row beta_k of `coef_`
    and an intercept b_k for each class k, and y_i the class of sample i::

        C * sum_i w_i (log(sum_k exp(b_k + x_i . beta_k)) - b_{y_i} - x_i . beta_{y_i})
            + sum_j v_j (l1_ratio |beta^j| + (1 - l1_ratio) / 2 ||beta^j||^2)

    where beta^j holds the coefficients of feature j and |.| is the sum of absolute values or, if
    `grouped`, the Euclidean norm.

    Parameters
    ----------
    penalty : {'l1', 'l2', 'elasticnet', None}, default='deprecated'
        Deprecated as in scikit-learn 1.8, with its FutureWarning: leave it out and use `l1_ratio`
        (0 for 'l2', 1 for 'l1', between for 'elasticnet') and `C` (`inf` for None).
    C : float, default=1.0
        Inverse penalty strength, > 0; `inf` is no penalty.
    l1_ratio : float, default=0.0
        Share of the L1 penalty, in [0, 1]; 1 is L1 alone, 0 is L2 alone.
    dual : bool, default=False
        Only False: the penalised problem is solved with its certificate, there is no dual form to
        choose.
    tol : float, default=1e-4
        Stop at a duality gap of `tol` times the objective of the null model (beta = 0 and the best
        b). With 'newton-sketch' and no penalty there is no gap: stop where no partial derivative of
        the objective, divided by C * sum(w), is larger than `tol`.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercept b.
    intercept_scaling : float, default=1
        Only 1: the intercept is never penalised.
    class_weight : dict or 'balanced', default=None
        Factors of the sample weights for each class; 'balanced' gives all classes the same total.
    random_state : int, RandomState instance or None, default=None
        Seed of the random order of coordinates, used when `selection='random'`, and of the
        subsamples and sketches of 'newton-sketch'.
    solver : {'auto', 'lbfgs', 'newton-cg', 'newton-cholesky', 'sag', 'saga', 'newton-sketch'}, \
            default='auto'
        'auto' is block coordinate descent with Newton steps, for any penalty; scikit-learn's names
        are taken for it, since they name the same objective. 'newton-sketch' is Newton's method
        with a randomly sketched preconditioner [5]_, for many more samples than features and the
        L2 penalty or none (`l1_ratio=0`). 'liblinear' penalises the intercept and is a ValueError.
    max_iter : int, default=100
        Limit on outer iterations: working sets, or Newton steps on one.
    verbose : int, default=0
        1 prints a line, 2 a line each reported iteration.
    warm_start : bool, default=False
        Whether `fit` starts at the solution of the fit before.
    n_jobs : None
        Only None, as it is deprecated in scikit-learn; `n_threads` sets the threads.
    selection : {'cyclic', 'random'}, default='cyclic'
        Order in which coordinate descent visits the coordinates.
    penalty_weights : array-like of shape (n_features,), default=None
        Non-negative factors v of the penalty; zero leaves a coefficient unpenalised.
    grouped : bool, default=False
        Whether a feature is used in all classes or in none: of several classes the L1 penalty
        takes the norm of a feature's coefficients in the place of their absolute values.
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
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    coef_ : ndarray or csr_matrix of shape (1, n_features) or (n_classes, n_features)
        Coefficients, of the type of X (float32 or float64); sparse after `sparsify`.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercept, 0 without `fit_intercept`; those of several classes sum to 0.
    n_iter_ : ndarray of shape (1,)
        Outer iterations.
    result_ : Result, OutputsResult or NewtonResult
        Solution in float64 with status, gap, violation and trace, in the scale of
        `logistic_path` and `multinomial_path`: the objective above divided by C * sum(w).
        OutputsResult of several classes, NewtonResult of 'newton-sketch'.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    logistic_path : The same at a sequence of penalty strengths, two classes.
    multinomial_path : The same at a sequence of penalty strengths, several classes.

    References
    ----------
    .. [1] J. Nutini, I. Laradji, M. Schmidt, "Let's make block coordinate descent converge
       faster", Journal of Machine Learning Research 23(131), 2022.
    .. [2] O. Fercoq, A. Gramfort, J. Salmon, "Mind the duality gap: safer rules for the Lasso",
       ICML 2015.
    .. [3] M. Massias, A. Gramfort, J. Salmon, "Celer: a fast solver for the Lasso with dual
       extrapolation", ICML 2018.
    .. [4] Q. Bertrand, M. Massias, "Anderson acceleration of coordinate descent", AISTATS 2021.
    .. [5] M. Pilanci, M. J. Wainwright, "Newton sketch: a near linear-time optimization algorithm
       with linear-quadratic convergence", SIAM Journal on Optimization 27(1), 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from cycloid.linear_model import LogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = (X - X.mean(axis=0)) / X.std(axis=0)
    >>> model = LogisticRegression(C=0.1, l1_ratio=1.0).fit(X, y)
    >>> int((model.coef_ != 0).sum()), round(model.score(X, y), 2)
    (8, 0.97)
    """

    def __init__(
        self,
        penalty: str | None = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "auto",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: None = None,
        selection: str = "cyclic",
        penalty_weights: ArrayLike | None = None,
        grouped: bool = False,
        n_threads: int | None = None,
        time_limit: float | None = None,
        callback: Callback | None = None,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.selection = selection
        self.penalty_weights = penalty_weights
        self.grouped = grouped
        self.n_threads = n_threads
        self.time_limit = time_limit
        self.callback = callback

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features. Dense arrays of either order, CSC and CSR, float32 or float64, are used
            where they lie. Never written to.
        y : array-like of shape (n_samples,)
            Labels of two classes or more.
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
            If one has a wrong value or shape, or NaN or infinity; if y has one class only.

        Warns
        -----
        ConvergenceWarning
            If the gap stays above the tolerance; the message says why and what helps.
        FutureWarning
            If `penalty` is given.
        """
        self._refuse_unsupported()
        C, l1_ratio = elastic_net_form(self.penalty, self.C, self.l1_ratio)
        X, y = validate_data(self, X, y, **X_CHECKS)
        check_classification_targets(y)
        if self.solver == "newton-sketch":
            return self._fit_newton_sketch(X, y, sample_weight, C, l1_ratio)
        classes, codes = as_codes(y)
        weights = class_weighted(
            self.class_weight, as_weights(sample_weight, len(codes)), y, classes
        )
        total = len(codes) if weights is None else weights.sum()
        solve = self._solve_binary if len(classes) == 2 else self._solve_multinomial
        path = solve(viewable(X), classes, codes, weights, np.array([1.0 / (C * total)]), l1_ratio)
        self.classes_ = classes
        result = path.at(0)
        self.result_: Result | NewtonResult = result
        self.coef_ = np.atleast_2d(result.coef).astype(X.dtype)
        self.intercept_ = np.atleast_1d(result.intercept).astype(X.dtype)
        self.n_iter_ = np.array([result.n_iter], dtype=np.int32)
        warn_unless_converged(type(self).__name__, path)
        return self

    def _controls(self) -> Controls:
        return controls(
            rtol=check_finite_real("tol", self.tol),
            max_iter=self.max_iter,
            selection=self.selection,
            random_state=self.random_state,
            n_threads=self.n_threads,
            time_limit=self.time_limit,
            callback=self.callback,
            verbose=self.verbose,
        )

    def _solve_binary(
        self,
        X: Any,
        classes: NDArray[Any],
        codes: NDArray[np.intp],
        weights: Vector | None,
        alphas: Vector,
        l1_ratio: float,
    ) -> PathResult:
        signs = np.where(codes == 1, 1.0, -1.0)
        check_both_weighted(signs, weights)
        check_flag("grouped", self.grouped)  # a feature has one coefficient: nothing to group
        start = self._start(X.shape[1], 1)
        return solve_path(
            X,
            signs,
            weights,
            loss="logistic",
            control=self._controls(),
            alphas=alphas,
            l1_ratio=l1_ratio,
            penalty_weights=as_penalty_weights(self.penalty_weights, X.shape[1]),
            fit_intercept=check_flag("fit_intercept", self.fit_intercept),
            coef_init=None if start is None else start[0][0].copy(),
            intercept_init=0.0 if start is None else float(start[1][0]),
        )

    def _solve_multinomial(
        self,
        X: Any,
        classes: NDArray[Any],
        codes: NDArray[np.intp],
        weights: Vector | None,
        alphas: Vector,
        l1_ratio: float,
    ) -> PathResult:
        problem = multinomial_problem(
            X,
            classes,
            codes,
            weights,
            l1_ratio=l1_ratio,
            grouped=check_flag("grouped", self.grouped),
            penalty_weights=as_penalty_weights(self.penalty_weights, X.shape[1]),
            fit_intercept=check_flag("fit_intercept", self.fit_intercept),
        )
        coef, intercept = self._start(X.shape[1], len(classes)) or (None, None)
        return problem.solve_outputs(
            weights,
            self._controls(),
            alphas=alphas,
            coef_init=as_coef_matrix(coef, len(classes), X.shape[1]),
            intercept_init=intercept,
        )

    def _refuse_unsupported(self) -> None:
        if self.solver == "liblinear":
            raise ValueError(
                "solver='liblinear' penalises the intercept, which Cycloid does not; leave solver "
                "out"
            )
        check_option("solver", self.solver, SOLVERS)
        if check_flag("dual", self.dual):
            raise ValueError("dual must be False; got True, which only liblinear knows")
        if check_real("intercept_scaling", self.intercept_scaling, open_low=True) != 1:
            raise ValueError(
                f"intercept_scaling must be 1; got {self.intercept_scaling!r}: the intercept is "
                "never penalised"
            )
        if self.n_jobs is not None:
            raise ValueError(f"n_jobs must be None; got {self.n_jobs!r}: use n_threads")

    def _fit_newton_sketch(
        self, X: Any, y: Any, sample_weight: Any, C: float, l1_ratio: float
    ) -> Self:
        refused = {
            "l1_ratio": l1_ratio != 0,
            "penalty_weights": self.penalty_weights is not None,
            "selection": self.selection != "cyclic",
            "grouped": check_flag("grouped", self.grouped),
        }
        for name in (name for name, given in refused.items() if given):
            raise ValueError(
                f"{name}={getattr(self, name)!r} is not for solver='newton-sketch', which has the "
                "L2 penalty or none and no coordinates to choose; leave it out, or the solver"
            )
        problem, classes = logistic_problem(self, X, y, sample_weight, C)
        tol = check_finite_real("tol", self.tol)
        null = constant_model_loss(problem)
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
            gap_tol=tol * null if problem.ridge > 0 else 0.0,
            gradient_tol=tol if problem.ridge == 0 else 0.0,
            start=self._newton_start(problem),
        )
        self.classes_ = classes
        self._store(result, X.dtype)
        return self

    def _store(self, result: NewtonResult, dtype: Any) -> None:
        self.result_ = result
        self.coef_ = result.coef.astype(dtype)
        self.intercept_ = result.intercept.astype(dtype)
        self.n_iter_ = np.array([result.n_iter], dtype=np.int32)
        warn_unless_solved(type(self).__name__, result)

    def _newton_start(self, problem: SumProblem) -> Vector | None:
        start = self._start(problem.X.shape[1], problem.n_outputs)
        return problem.join(*start) if start else None

    def _start(self, n_features: int, n_outputs: int) -> tuple[NDArray[Any], Vector] | None:
        """Coefficients and intercepts of the fit before, with `warm_start`."""
        if not (check_flag("warm_start", self.warm_start) and hasattr(self, "coef_")):
            return None
        coef = np.asarray(
            self.coef_.toarray() if sparse.issparse(self.coef_) else self.coef_, dtype=np.float64
        )
        if len(coef) != n_outputs:
            return None  # there were other classes
        for row in coef:
            as_coef_init(row, n_features, positive=False)
        intercept = np.asarray(self.intercept_, dtype=np.float64)
        return coef, intercept if self.fit_intercept else np.zeros(n_outputs)
