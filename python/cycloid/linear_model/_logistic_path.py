"""Regularization path of the logistic loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cycloid._inputs import (
    Vector,
    as_coef_init,
    as_design,
    as_penalty_weights,
    as_signs,
    as_strengths,
    as_weights,
    check_finite_real,
    check_flag,
    check_real,
)
from cycloid._result import Callback, PathResult, warn_unless_converged
from cycloid.linear_model._solve import controls, path_strengths, solve_path


def logistic_path(
    X: Any,
    y: ArrayLike,
    *,
    l1_ratio: float = 1.0,
    eps: float = 1e-3,
    alphas: int | ArrayLike | None = 100,
    Cs: ArrayLike | None = None,
    fit_intercept: bool = True,
    standardize: bool = False,
    positive: bool = False,
    sample_weight: ArrayLike | None = None,
    penalty_weights: ArrayLike | None = None,
    coef_init: ArrayLike | None = None,
    intercept_init: float = 0.0,
    rtol: float = 1e-6,
    tol: float = 0.0,
    max_iter: int = 1000,
    precompute: str | bool = "auto",
    selection: str = "cyclic",
    random_state: Any = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    progress: bool = False,
) -> PathResult:
    r"""Logistic path: the binary classifier at a sequence of penalty strengths.

    For each alpha, minimise over the intercept b and the coefficients beta::

        sum_i w_i log(1 + exp(-s_i (b + x_i . beta)))
            + alpha * sum_j v_j (l1_ratio |beta_j| + (1 - l1_ratio) / 2 beta_j^2)

    where x_i is row i of `X`, s_i is +1 for the larger label in sorted order and -1 for the other,
    w_i = sample_weight_i / sum(sample_weight) (1/n_samples by default), v_j = penalty_weights_j
    (1 by default), b = 0 unless `fit_intercept`, and beta >= 0 if `positive`.
    `LogisticRegression` with `C` solves this for alpha = 1 / (C * sum(sample_weight)). With
    `standardize` the penalty has d_j beta_j in the place of beta_j::

        d_j = sqrt(sum_i w_i (x_ij - m_j)^2),  m_j = sum_i w_i x_ij if `fit_intercept` else 0

    (and d_j = 1 where that is zero): coefficients and intercept stay in the units of X.

    Parameters
    ----------
    X : {array-like, sparse array} of shape (n_samples, n_features)
        Features. Dense arrays of either order, row slices, read-only and memory-mapped arrays,
        CSC and CSR with 32 or 64-bit indices are used where they lie; float32 stays float32.
        Other types are converted to float64, other sparse formats to CSC. Never written to.
    y : array-like of shape (n_samples,)
        Labels of two classes.
    l1_ratio : float, default=1.0
        Share of the L1 penalty, in [0, 1]; 1 is L1 alone, 0 is L2 alone.
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, divided by the largest; in (0, 1].
    alphas : int, array-like or None, default=100
        Number of values of an automatic grid, geometric from the smallest alpha at which all
        penalised coefficients are zero; or the values themselves, which are solved from the
        largest to the smallest. None means 100.
    Cs : array-like, default=None
        Inverse strengths in place of `alphas`, in the scale of `LogisticRegression`: positive,
        `inf` for no penalty. Solved from the smallest to the largest.
    fit_intercept : bool, default=True
        Whether to fit the unpenalised intercept b.
    standardize : bool, default=False
        Whether each feature is penalised as if it had unit standard deviation; see `enet_path`.
    positive : bool, default=False
        Whether to restrict the coefficients to be non-negative.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights of the samples. Zero leaves a sample out.
    penalty_weights : array-like of shape (n_features,), default=None
        Non-negative factors v of the penalty; zero leaves a coefficient unpenalised.
    coef_init : array-like of shape (n_features,), default=None
        Coefficients at which the first solve starts; zeros by default.
    intercept_init : float, default=0.0
        Intercept at which the first solve starts.
    rtol : float, default=1e-6
        Stop at a duality gap of `rtol` times the objective of the null model (beta = 0 and the
        best b).
    tol : float, default=0.0
        Stop at this duality gap, in the unit of the objective; the larger of the two rules.
    max_iter : int, default=1000
        Limit on outer iterations for each alpha: working sets, or Newton steps on one.
    precompute, selection, random_state, n_threads, time_limit, callback, verbose, progress
        See `enet_path`.

    Returns
    -------
    PathResult
        `alphas, coefs, gaps = logistic_path(X, y)` unpacks it.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument has a wrong value or shape, or NaN or infinity; if y has not two classes,
        or one of them has no weight.
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
    .. [2] O. Fercoq, A. Gramfort, J. Salmon, "Mind the duality gap: safer rules for the Lasso",
       ICML 2015.
    .. [3] M. Massias, A. Gramfort, J. Salmon, "Celer: a fast solver for the Lasso with dual
       extrapolation", ICML 2018.
    .. [4] Q. Bertrand, M. Massias, "Anderson acceleration of coordinate descent", AISTATS 2021.

    Examples
    --------
    >>> from cycloid.linear_model import logistic_path
    >>> X = [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]
    >>> path = logistic_path(X, ["no", "no", "yes", "no"], alphas=[0.1, 0.01])
    >>> path.coefs.shape
    (2, 2)
    >>> path.converged
    True
    """
    l1_ratio = check_real("l1_ratio", l1_ratio, high=1.0)
    positive = check_flag("positive", positive)
    X = as_design(X)
    n_samples, n_features = X.shape
    weights = as_weights(sample_weight, n_samples)
    _, signs = as_signs(y, n_samples)
    check_both_weighted(signs, weights)
    strengths, n_alphas, eps = path_strengths(
        from_inverse(Cs, alphas, n_samples if weights is None else weights.sum()),
        None,
        eps,
        l1_ratio,
    )
    path = solve_path(
        X,
        signs,
        weights,
        loss="logistic",
        control=controls(
            rtol=rtol,
            tol=tol,
            max_iter=max_iter,
            precompute=precompute,
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
        l1_ratio=l1_ratio,
        penalty_weights=as_penalty_weights(penalty_weights, n_features),
        positive=positive,
        fit_intercept=check_flag("fit_intercept", fit_intercept),
        standardize=check_flag("standardize", standardize),
        coef_init=as_coef_init(coef_init, n_features, positive),
        intercept_init=check_finite_real("intercept_init", intercept_init, low=-np.inf),
    )
    warn_unless_converged("logistic_path", path)
    return path


def check_both_weighted(signs: Vector, weights: Vector | None) -> None:
    """Zero weights take samples out, and with them perhaps a whole class."""
    if weights is None:
        return
    for sign in (-1.0, 1.0):
        if not weights[signs == sign].any():
            raise ValueError(
                "sample_weight must leave samples of two classes; got only zeros for the class "
                f"with the {'larger' if sign > 0 else 'smaller'} label"
            )


def from_inverse(Cs: Any, alphas: Any, total_weight: float) -> Any:
    """Strengths of the mean objective for scikit-learn's inverse strengths of the sum."""
    if Cs is None:
        return alphas
    if not (alphas is None or (isinstance(alphas, int) and alphas == 100)):
        raise ValueError("alphas and Cs must not be given together")
    inverse = np.asarray(Cs, dtype=np.float64)
    if not (inverse > 0).all():  # NaN fails too
        raise ValueError(f"Cs must hold positive numbers; got {inverse.min():g}")
    return as_strengths("Cs", 1.0 / (inverse * total_weight))
