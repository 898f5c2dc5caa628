"""Regularization path of multinomial logistic regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cycloid._inputs import (
    Vector,
    as_codes,
    as_design,
    as_penalty_weights,
    as_weights,
    check_flag,
    check_real,
)
from cycloid._result import Callback, OutputsPathResult, warn_unless_converged
from cycloid.linear_model._groups import GroupProblem, as_coef_matrix, elastic_net_rows
from cycloid.linear_model._logistic_path import from_inverse
from cycloid.linear_model._solve import controls, path_strengths


def multinomial_path(
    X: Any,
    y: ArrayLike,
    *,
    l1_ratio: float = 1.0,
    grouped: bool = False,
    eps: float = 1e-3,
    alphas: int | ArrayLike | None = 100,
    Cs: ArrayLike | None = None,
    fit_intercept: bool = True,
    sample_weight: ArrayLike | None = None,
    penalty_weights: ArrayLike | None = None,
    coef_init: ArrayLike | None = None,
    rtol: float = 1e-6,
    tol: float = 0.0,
    max_iter: int = 1000,
    selection: str = "cyclic",
    random_state: Any = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    progress: bool = False,
) -> OutputsPathResult:
    r"""Multinomial path: the classifier of several classes at a sequence of penalty strengths.

    For each alpha, minimise over the intercepts b and the coefficients B, a row a class::

        sum_i w_i (log(sum_k exp(b_k + B_k . x_i)) - b_{y_i} - B_{y_i} . x_i)
            + alpha * sum_j v_j (l1_ratio |B^j| + (1 - l1_ratio) / 2 ||B^j||^2)

    where x_i is row i of `X`, B_k is row k of B and B^j its column j (what feature j does in all
    classes), |.| the sum of absolute values or, if `grouped`, the Euclidean norm, w_i =
    sample_weight_i / sum(sample_weight) (1/n_samples by default), v_j = penalty_weights_j (1 by
    default), and b = 0 unless `fit_intercept`. Classes are in sorted order. `LogisticRegression`
    with `C` solves this for alpha = 1 / (C * sum(sample_weight)).

    Parameters
    ----------
    X : {array-like, sparse array} of shape (n_samples, n_features)
        Features, as in `enet_path`. Never written to.
    y : array-like of shape (n_samples,)
        Labels of two classes or more. Two have two rows of coefficients here; `logistic_path` has
        one.
    l1_ratio : float, default=1.0
        Share of the penalty with a kink, in [0, 1]; 1 is that alone, 0 is L2 alone.
    grouped : bool, default=False
        Whether a feature is used in all classes or in none: the norm of its coefficients is
        penalised, not each of them.
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
        Whether to fit the unpenalised intercepts b.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights of the samples. Zero leaves a sample out.
    penalty_weights : array-like of shape (n_features,), default=None
        Non-negative factors v of the penalty. With a zero among them no dual point is known: gaps
        are `inf`, and the solve stops where the violation is `rtol` times that of B = 0.
    coef_init : array-like of shape (n_classes, n_features), default=None
        Coefficients at which the first solve starts, with intercepts of zero.
    rtol : float, default=1e-6
        Stop at a duality gap of `rtol` times the objective of the null model (B = 0 and the best
        b).
    tol : float, default=0.0
        Stop at this duality gap, in the unit of the objective; the larger of the two rules.
    max_iter : int, default=1000
        Limit on outer iterations for each alpha.
    selection, random_state, n_threads, time_limit, callback, verbose, progress
        See `enet_path`.

    Returns
    -------
    OutputsPathResult
        `alphas, coefs, gaps = multinomial_path(X, y)` unpacks it; `coefs` has shape (n_classes,
        n_features, n_alphas).

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument has a wrong value or shape, or NaN or infinity; if y has one class only, or
        one of them has no weight.
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
    .. [2] N. Simon, J. Friedman, T. Hastie, "A blockwise descent algorithm for group-penalized
       multiresponse and multinomial regression", arXiv:1311.6529, 2013.
    .. [3] E. Ndiaye, O. Fercoq, A. Gramfort, J. Salmon, "Gap safe screening rules for sparsity
       enforcing penalties", Journal of Machine Learning Research 18(128), 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from cycloid.linear_model import multinomial_path
    >>> X, y = load_iris(return_X_y=True)
    >>> path = multinomial_path(X, y, alphas=[0.1, 0.01])
    >>> path.coefs.shape
    (3, 4, 2)
    >>> (path.coefs != 0).sum(axis=(0, 1))
    array([2, 4])
    >>> path.converged
    True
    """
    l1_ratio = check_real("l1_ratio", l1_ratio, high=1.0)
    X = as_design(X)
    n_samples, n_features = X.shape
    weights = as_weights(sample_weight, n_samples)
    classes, codes = as_codes(y, n_samples)
    problem = multinomial_problem(
        X,
        classes,
        codes,
        weights,
        l1_ratio=l1_ratio,
        grouped=check_flag("grouped", grouped),
        penalty_weights=as_penalty_weights(penalty_weights, n_features),
        fit_intercept=check_flag("fit_intercept", fit_intercept),
    )
    strengths, n_alphas, eps = path_strengths(
        from_inverse(Cs, alphas, n_samples if weights is None else weights.sum()),
        None,
        eps,
        l1_ratio,
    )
    path = problem.solve_outputs(
        weights,
        controls(
            rtol=rtol,
            tol=tol,
            max_iter=max_iter,
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
        coef_init=as_coef_matrix(coef_init, len(classes), n_features),
    )
    warn_unless_converged("multinomial_path", path)
    return path


def multinomial_problem(
    X: Any,
    classes: NDArray[Any],
    codes: NDArray[np.intp],
    weights: Vector | None,
    *,
    l1_ratio: float,
    grouped: bool,
    penalty_weights: Vector | None,
    fit_intercept: bool,
) -> GroupProblem:
    """The problem of checked arrays; ValueError if a class has no weight."""
    shares = np.bincount(codes, weights=weights, minlength=len(classes))
    if not shares.all():
        raise ValueError(
            f"sample_weight must leave samples of {'two' if len(classes) == 2 else 'all'} classes; "
            f"got only zeros for the class {classes[shares == 0][0]!r}"
        )
    return GroupProblem(
        X=X,
        y=codes.astype(np.float64),
        weights=weights,
        loss="softmax",
        n_outputs=len(classes),
        fit_intercept=fit_intercept,
        **elastic_net_rows(l1_ratio, penalty_weights, X.shape[1], rows=grouped),
    )
