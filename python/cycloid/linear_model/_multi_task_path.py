"""Regularization path of the multi-task Lasso and elastic net."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from cycloid._inputs import (
    as_design,
    as_penalty_weights,
    as_weights,
    check_flag,
    check_real,
)
from cycloid._result import Callback, OutputsPathResult, warn_unless_converged
from cycloid.linear_model._groups import (
    GroupProblem,
    as_coef_matrix,
    as_targets,
    elastic_net_rows,
)
from cycloid.linear_model._solve import controls, path_strengths


def multi_task_path(
    X: Any,
    Y: ArrayLike,
    *,
    l1_ratio: float = 1.0,
    eps: float = 1e-3,
    alphas: int | ArrayLike | None = 100,
    fit_intercept: bool = False,
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
    r"""Multi-task path: several targets that share their features, at a sequence of strengths.

    For each alpha, minimise over the intercepts b and the coefficients B, a row a target::

        sum_i w_i ||y_i - b - B x_i||^2 / 2
            + alpha * sum_j v_j (l1_ratio ||B_j|| + (1 - l1_ratio) / 2 ||B_j||^2)

    where x_i and y_i are rows i of `X` and `Y`, B_j is column j of B (what feature j does in all
    targets), ||.|| the Euclidean norm, w_i = sample_weight_i / sum(sample_weight) (1/n_samples
    by default), v_j = penalty_weights_j (1 by default) and b = 0 unless `fit_intercept`. A
    feature is used in all targets or in none. `MultiTaskElasticNet` solves this for one alpha.

    Parameters
    ----------
    X : {array-like, sparse array} of shape (n_samples, n_features)
        Features, as in `enet_path`. Never written to.
    Y : array-like of shape (n_samples, n_targets)
        Targets.
    l1_ratio : float, default=1.0
        Share of the norms, in [0, 1]; 1 is the multi-task lasso, 0 is ridge regression.
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, divided by the largest; in (0, 1].
    alphas : int, array-like or None, default=100
        Number of values of an automatic grid, geometric from the smallest alpha at which all
        penalised coefficients are zero; or the values themselves, which are solved from the
        largest to the smallest. None means 100.
    fit_intercept : bool, default=False
        Whether to fit the unpenalised intercepts b.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights of the samples; only their ratios matter.
    penalty_weights : array-like of shape (n_features,), default=None
        Non-negative factors v of the penalty. With a zero among them no dual point is known: gaps
        are `inf`, and the solve stops where the violation is `rtol` times that of B = 0.
    coef_init : array-like of shape (n_targets, n_features), default=None
        Where the first solve starts; zeros by default.
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
        `alphas, coefs, gaps = multi_task_path(X, Y)` unpacks it; `coefs` has shape (n_targets,
        n_features, n_alphas), as scikit-learn's.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument has a wrong value or shape, or NaN or infinity; the message names it.
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
    .. [2] E. Ndiaye, O. Fercoq, A. Gramfort, J. Salmon, "Gap safe screening rules for sparsity
       enforcing penalties", Journal of Machine Learning Research 18(128), 2017.
    .. [3] Q. Bertrand, M. Massias, "Anderson acceleration of coordinate descent", AISTATS 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.linear_model import multi_task_path
    >>> X = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    >>> path = multi_task_path(X, [[1.0, 0.0], [2.0, 1.0], [3.0, 1.0]], alphas=[0.5, 0.1])
    >>> path.coefs.shape
    (2, 3, 2)
    >>> path.coefs[:, :, 1].round(2)
    array([[0.89, 1.92, 0.  ],
           [0.04, 0.92, 0.  ]])
    >>> path.converged
    True
    """
    l1_ratio = check_real("l1_ratio", l1_ratio, high=1.0)
    X = as_design(X)
    n_samples, n_features = X.shape
    targets = as_targets(Y, n_samples)
    strengths, n_alphas, eps = path_strengths(alphas, None, eps, l1_ratio)
    problem = GroupProblem(
        X=X,
        y=targets,
        weights=as_weights(sample_weight, n_samples),
        loss="squared",
        n_outputs=targets.shape[1],
        fit_intercept=check_flag("fit_intercept", fit_intercept),
        **elastic_net_rows(
            l1_ratio, as_penalty_weights(penalty_weights, n_features), n_features, rows=True
        ),
    )
    path = problem.solve_outputs(
        problem.weights,
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
        coef_init=as_coef_matrix(coef_init, targets.shape[1], n_features),
    )
    warn_unless_converged("multi_task_path", path)
    return path
