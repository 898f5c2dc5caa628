"""Logistic models whose coefficients satisfy equations."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from cycloid import _core
from cycloid._inputs import (
    X_CHECKS,
    Vector,
    check_finite_real,
    check_flag,
)
from cycloid._result import Callback
from cycloid.linear_model._finite_sum import (
    Matrix,
    NewtonResult,
    SumControls,
    SumProblem,
    SumReporter,
    newton_result,
    sum_controls,
    warn_unless_solved,
)
from cycloid.linear_model._logistic_predictor import LogisticPredictor, logistic_problem

Quadratic = tuple[Matrix, Vector, float]


def solve_constrained(
    problem: SumProblem,
    control: SumControls,
    *,
    A: Matrix,
    b: Vector,
    norm: float | None,
    quadratics: list[Quadratic],
    tol: float,
    start: Vector | None,
) -> NewtonResult:
    """One call of the core; nothing is checked here."""
    reporter = SumReporter(
        control, ("iteration", "seconds", "objective", "violation", "constraint_violation")
    )
    try:
        raw = _core.constrained_sum(
            problem.X,
            problem.y,
            problem.weights,
            **problem.keywords(),
            A=A,
            b=b,
            squared_norm=None if norm is None else norm**2,
            quadratics=quadratics,
            start=start,
            tol=tol,
            max_iter=control.max_iter,
            seed=control.seed,
            n_threads=control.n_threads,
            time_limit=control.time_limit,
            observer=reporter.observer,
        )
    finally:
        reporter.close()
    return newton_result(problem, raw, tol, "violation")


class ConstrainedLogisticRegression(LogisticPredictor):
    """Logistic regression under equality constraints on the coefficients.

    Minimise over the intercept b and the coefficients beta::

        sum_i w_i log(1 + exp(-s_i (b + x_i . beta))) / sum_i w_i + 1 / (2 C sum_i w_i) ||beta||^2

    subject to::

        A beta = b_A,   ||beta|| = norm,   beta' Q_k beta / 2 + q_k . beta = r_k  for each k

    where x_i is row i of `X`, s_i is +1 for `classes_[1]` and -1 for `classes_[0]`, w_i is the
    sample weight times the class weight (1 by default), b = 0 unless `fit_intercept`, b_A is the
    parameter `b` and (Q_k, q_k, r_k) are the `quadratics`; constraints that are not given are left
    out. With more than two classes the loss is the multinomial one, with a row of `coef_` and an
    intercept for each class, and beta in the constraints and the penalty is `coef_.ravel()`.

    The norm and the quadratics make the problem nonconvex: what is found is a point where no
    feasible direction goes down to first order. With more than two classes a norm above that of the
    best model without it is met by moving all rows of `coef_` alike, which changes no probability:
    the solution is not unique, and convergence slow.

    Parameters
    ----------
    A : array-like of shape (n_constraints, n_features), default=None
        Matrix of the linear constraints; n_classes * n_features columns with more than two classes.
    b : array-like of shape (n_constraints,), default=None
        Right-hand sides of the linear constraints; None is zeros.
    norm : float, default=None
        The Euclidean norm of the coefficients, > 0.
    quadratics : sequence of (Q, q, r), default=None
        Quadratic constraints: a symmetric matrix, a vector and a number each.
    C : float, default=1.0
        Inverse penalty strength, > 0; `inf` is no penalty.
    fit_intercept : bool, default=True
        Whether to fit the intercept b, which is neither penalised nor constrained.
    class_weight : dict or 'balanced', default=None
        Factors of the sample weights for each class; 'balanced' gives all classes the same total.
    tol : float, default=1e-6
        Stop where the derivatives of the Lagrangian and the violations of the constraints, all
        together, have this Euclidean norm.
    max_iter : int, default=200
        Limit on Newton steps.
    random_state : int, RandomState instance or None, default=None
        Seed of subsamples and sketches, which move the solution by less than the tolerance.
    verbose : int, default=0
        1 prints a line a Newton step.
    warm_start : bool, default=False
        Whether `fit` starts at the solution of the fit before.
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
        Coefficients, float64: rounding to float32 would violate the constraints.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercept, 0 without `fit_intercept`; those of several classes add up to 0.
    multipliers_ : ndarray of shape (n_constraints,)
        Of the linear constraints, the norm (as ||beta||^2 = norm^2) and the quadratics, in this
        order: how the objective falls as a right-hand side grows.
    n_iter_ : int
        Newton steps.
    result_ : NewtonResult
        Solution with status, violations, multipliers and trace.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    FairLogisticRegression : Constraints that make a classifier fair.
    LogisticRegression : Without constraints.

    References
    ----------
    .. [1] I. Hong, S. Na, M. W. Mahoney, M. Kolar, "Constrained optimization via exact augmented
       Lagrangian and randomized iterative sketching", ICML 2023.
    .. [2] N. I. M. Gould, M. E. Hribar, J. Nocedal, "On the solution of equality constrained
       quadratic programming problems arising in optimization", SIAM Journal on Scientific
       Computing 23(4), 2001, Algorithm 6.2.
    .. [3] M. Meier, Y. Nakatsukasa, A. Townsend, M. Webb, "Are sketch-and-precondition least
       squares solvers numerically stable?", SIAM Journal on Matrix Analysis and Applications
       45(2), 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_breast_cancer
    >>> from cycloid.linear_model import ConstrainedLogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = (X - X.mean(axis=0)) / X.std(axis=0)
    >>> A = np.zeros((1, 30))
    >>> A[0, :10] = 1  # the first ten coefficients add up to nothing
    >>> model = ConstrainedLogisticRegression(A, norm=1.0).fit(X, y)
    >>> bool(abs(model.coef_[0, :10].sum()) < 1e-6)
    True
    >>> round(float(np.linalg.norm(model.coef_)), 6)
    1.0
    """

    def __init__(
        self,
        A: ArrayLike | None = None,
        b: ArrayLike | None = None,
        norm: float | None = None,
        *,
        quadratics: Any = None,
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
        self.A = A
        self.b = b
        self.norm = norm
        self.quadratics = quadratics
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

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features. Dense arrays of either order and CSR, float32 or float64, are used where they
            lie; CSC is copied into rows. Never written to.
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
            If one has a wrong value or shape, or NaN or infinity; if y has not two classes.

        Warns
        -----
        ConvergenceWarning
            If the violation stays above the tolerance, as where the constraints contradict each
            other; the message says why and what helps.
        """
        X, y = validate_data(self, X, y, **X_CHECKS)
        check_classification_targets(y)
        problem, classes = logistic_problem(self, X, y, sample_weight, self.C)
        size = problem.n_outputs * X.shape[1]
        A, b = as_linear(self.A, self.b, size)
        self._solve(
            problem,
            classes,
            A=A,
            b=b,
            norm=None if self.norm is None else check_finite_real("norm", self.norm, open_low=True),
            quadratics=as_quadratics(self.quadratics, size),
        )
        return self

    def _solve(self, problem: SumProblem, classes: NDArray[Any], **constraints: Any) -> None:
        result = solve_constrained(
            problem,
            sum_controls(
                max_iter=self.max_iter,
                random_state=self.random_state,
                n_threads=self.n_threads,
                time_limit=self.time_limit,
                callback=self.callback,
                verbose=self.verbose,
            ),
            tol=check_finite_real("tol", self.tol),
            start=self._start(problem),
            **constraints,
        )
        self.classes_ = classes
        self.result_ = result
        self.coef_ = result.coef
        self.intercept_ = result.intercept
        self.multipliers_ = result.multipliers
        self.n_iter_ = result.n_iter
        warn_unless_solved(type(self).__name__, result)

    def _start(self, problem: SumProblem) -> Vector | None:
        if not (check_flag("warm_start", self.warm_start) and hasattr(self, "result_")):
            return None
        if self.result_.coef.shape != (problem.n_outputs, problem.X.shape[1]):
            return None  # other classes or features
        return problem.join(self.result_.coef, self.result_.intercept)


def as_linear(A: Any, b: Any, size: int) -> tuple[Matrix, Vector]:
    """A and b of `size` unknowns, with no rows where there are none."""
    if A is None:
        if b is not None:
            raise ValueError("b must be None without A")
        return np.zeros((0, size)), np.zeros(0)
    matrix = check_array(A, dtype=np.float64, input_name="A", accept_sparse="csr")
    matrix = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    if matrix.shape[1] != size:
        raise ValueError(f"A must have {size} columns, one a coefficient; got {matrix.shape[1]}")
    if b is None:
        return matrix, np.zeros(len(matrix))
    right = check_array(b, dtype=np.float64, ensure_2d=False, input_name="b")
    if right.shape != (len(matrix),):
        raise ValueError(f"b must have shape ({len(matrix)},), one a row of A; got {right.shape}")
    return matrix, right


def as_quadratics(quadratics: Any, size: int) -> list[Quadratic]:
    """Quadratic constraints as the core takes them."""
    checked = []
    for k, parts in enumerate(() if quadratics is None else quadratics):
        name = f"quadratics[{k}]"
        if not isinstance(parts, tuple | list) or len(parts) != 3:
            raise TypeError(f"{name} must be (Q, q, r); got {parts!r}")
        Q = check_array(parts[0], dtype=np.float64, input_name=name)
        q = check_array(parts[1], dtype=np.float64, ensure_2d=False, input_name=name)
        if Q.shape != (size, size) or q.shape != (size,):
            raise ValueError(
                f"{name} must have shapes ({size}, {size}) and ({size},), as many as coefficients; "
                f"got {Q.shape} and {q.shape}"
            )
        if not np.allclose(Q, Q.T, rtol=1e-12, atol=0):
            raise ValueError(f"{name} must have a symmetric matrix")
        checked.append((Q, q, check_finite_real(f"{name}[2]", parts[2], low=-np.inf)))
    return checked
