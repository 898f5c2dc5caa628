"""Networks of neurons that are drawn beforehand: a Lasso on random ReLU features."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from cycloid._inputs import check_finite_real, check_flag, check_integer, check_option, check_real
from cycloid._result import PathResult, Status
from cycloid.linear_model import lasso_path, logistic_path
from cycloid.neural_network._problem import as_problem
from cycloid.neural_network._result import Matrix, NetworkResult

SAMPLED_LOSSES = ("squared_error", "log_loss")


def sampled_relu(
    X: ArrayLike,
    y: ArrayLike,
    alpha: float,
    *,
    loss: str = "squared_error",
    n_neurons: int = 1000,
    sample_weight: ArrayLike | None = None,
    fit_intercept: bool = True,
    tol: float = 1e-6,
    random_state: Any = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
) -> NetworkResult:
    """Train a two-layer ReLU network whose neurons are drawn from the unit sphere.

    The network's problem is that of `convex_relu`. In it a neuron of given direction u, ``|u| = 1``
    (with its bias), costs alpha times the size of its output weight, so for drawn directions u_j it
    is a Lasso on the features ``max(x . u_j, 0)``::

        sum_i w_i l(f(x_i), y_i) / sum(w) + alpha * sum_j |a_j|,
        f(x) = sum_j max(x . u_j, 0) a_j + c

    the sampled convex program of [1]_: quick, and the nearer to the optimum the more neurons are
    drawn, which takes very many unless X has few features. The network is a good `network_init` of
    `convex_relu`.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Features. Scale them to similar ranges.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets: real numbers for 'squared_error', -1 and +1 for 'log_loss'. The losses of several
        outputs are added.
    alpha : float
        Strength of the penalty, > 0.
    loss : {'squared_error', 'log_loss'}, default='squared_error'
        As for `convex_relu`.
    n_neurons : int, default=1000
        Number of neurons that are drawn; most get no weight.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights w of the samples; only their ratios matter.
    fit_intercept : bool, default=True
        Whether neurons and outputs have a bias.
    tol : float, default=1e-6
        Duality gap at which the solve ends, relative to the objective of the best constant.
    random_state : int, RandomState instance or None, default=None
        Seed of the neurons.
    n_threads : int, default=None
        Number of threads, with the same result for any. None: the environment variable
        CYCLOID_NUM_THREADS, else all CPUs that the process may use, within OpenMP's limits;
        -1: all CPUs.
    time_limit : float, default=None
        Seconds after which the solve ends with the best network so far.

    Returns
    -------
    NetworkResult
        The network of the neurons that got a weight. Its `lower_bound` is proved over the networks
        of the neurons that were drawn, and none over all networks is known; `trace` is that of the
        last output's Lasso, `n_patterns` the number of neurons drawn.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument has a wrong value or shape, NaN or infinity; the message names it.

    Warns
    -----
    ConvergenceWarning
        If the gap stays above the tolerance.

    References
    ----------
    .. [1] Y. Bai, T. Gautam, S. Sojoudi, "Efficient global optimization of two-layer ReLU networks:
       quadratic-time algorithms and adversarial training", SIAM Journal on Mathematics of Data
       Science 5(2), 2023: the sampled convex program.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.neural_network import sampled_relu
    >>> x = np.linspace(-1, 1, 9)
    >>> result = sampled_relu(x[:, None], np.abs(x), alpha=1e-3, random_state=0)
    >>> bool(np.abs(result.predict(x[:, None])[:, 0] - np.abs(x)).max() < 0.05)
    True
    """
    start = time.perf_counter()
    check_option("loss", loss, SAMPLED_LOSSES)
    bias = check_flag("fit_intercept", fit_intercept)
    design, targets, weights = as_problem(X, y, sample_weight, loss, bias)
    alpha = check_finite_real("alpha", alpha, open_low=True)
    count = check_integer("n_neurons", n_neurons, low=1)
    tol = check_finite_real("tol", tol)
    limit = math.inf if time_limit is None else check_real("time_limit", time_limit)
    u = check_random_state(random_state).standard_normal((design.shape[1], count))
    u /= np.linalg.norm(u, axis=0)
    features = np.asfortranarray(np.maximum(design @ u, 0.0))
    path = lasso_path if loss == "squared_error" else logistic_path
    solved = [
        path(
            features,
            target,
            alphas=[alpha],
            fit_intercept=bias,
            sample_weight=weights,
            rtol=tol,
            n_threads=n_threads,
            time_limit=max(limit - (time.perf_counter() - start), 0.0),
        )
        for target in targets.T
    ]
    return _network(u, solved, bias, start)


def _network(u: Matrix, solved: list[PathResult], bias: bool, start: float) -> NetworkResult:
    """The Lassos' solutions, one an output, with equal norms on both sides of each neuron."""
    a = np.column_stack([one.coefs[:, 0] for one in solved])
    # A neuron costs what its outputs' weights cost one by one: each output has its own copy.
    drawn, output = np.nonzero(a)
    size = np.sqrt(np.abs(a[drawn, output]))
    u = u[:, drawn] * size
    out = np.zeros((len(drawn), len(solved)))
    out[np.arange(len(drawn)), output] = np.sign(a[drawn, output]) * size
    objective = sum(float(one.objectives[0]) for one in solved)
    statuses = [one.status for one in solved]
    return NetworkResult(
        hidden_coef=u[:-1] if bias else u,
        hidden_intercept=u[-1] if bias else np.zeros(len(drawn)),
        output_coef=out,
        output_intercept=np.array([float(one.intercepts[0]) for one in solved]),
        alpha=float(solved[0].alphas[0]),
        objective=objective,
        lower_bound=sum(float(one.dual_objectives[0]) for one in solved),
        bound_is_rigorous=False,
        rigorous_bound=-math.inf,
        tolerance=sum(one.tolerance for one in solved) / max(objective, 1e-300),
        status=next((s for s in statuses if s != Status.CONVERGED), Status.CONVERGED),
        n_iter=max(int(one.n_iters[0]) for one in solved),
        n_patterns=len(a),
        seconds=time.perf_counter() - start,
        trace=solved[-1].trace,
    )
