"""Training two-layer ReLU networks, from one problem to the core and back."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from cycloid import _core
from cycloid._inputs import (
    as_strengths,
    check_finite_real,
    check_flag,
    check_integer,
    check_option,
    check_real,
    thread_count,
)
from cycloid._result import Callback, Status
from cycloid.neural_network import _robust
from cycloid.neural_network._problem import (
    LOSSES,
    as_ball,
    as_loss_parameter,
    as_problem,
    as_start,
)
from cycloid.neural_network._result import (
    NetworkResult,
    ProgramReporter,
    Reporter,
    warn_unless_converged,
)
from cycloid.neural_network._robust import Norm

# Multiply-adds of a convex program beyond which a round is local search alone.
MOST_WORK = 5e10

Patterns = Literal["refined", "random", "all"]


def convex_relu(
    X: ArrayLike,
    y: ArrayLike,
    alpha: float,
    *,
    loss: str = "squared_error",
    loss_parameter: float | None = None,
    patterns: Patterns = "refined",
    n_patterns: int = 100,
    n_neurons: int = 50,
    n_restarts: int = 8,
    sample_weight: ArrayLike | None = None,
    fit_intercept: bool = True,
    adversarial_radius: float = 0.0,
    adversarial_norm: Norm = "linf",
    max_iter: int = 30,
    tol: float = 1e-2,
    network_init: NetworkResult | None = None,
    random_state: Any = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    progress: bool = False,
) -> NetworkResult:
    """Train a two-layer ReLU network by convex programs.

    Over networks of any width m, minimise::

        sum_i w_i l(f(x_i), y_i) / sum(w)
            + alpha / 2 * sum_j (|u_j|^2 + b_j^2 + |a_j|^2),

        f(x) = sum_j max(x . u_j + b_j, 0) a_j + c

    where x_i is row i of `X`, u_j, b_j and a_j are the weights, the bias and the output weights of
    neuron j, and c is the intercept of the outputs, not penalised; b = c = 0 without
    `fit_intercept`. For a given list of activation patterns (which samples a neuron is active on)
    this is a convex program [1]_, solved with a duality gap; `patterns` says where the list comes
    from.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Features. Scale them to similar ranges: all weights are penalised alike.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets: real numbers for 'squared_error', 'huber' and 'quantile'; -1 and +1 for 'log_loss',
        'hinge' and 'squared_hinge'; for 'softmax' one 1 in each row, else zeros. The losses of
        several outputs are added.
    alpha : float
        Strength of the penalty, > 0.
    loss : str, default='squared_error'
        l(f, y): 'squared_error' (f - y)^2 / 2; 'huber' the same up to ``|f - y| = loss_parameter``,
        linear beyond; 'quantile' the pinball loss at the level `loss_parameter`; 'log_loss'
        log(1 + exp(-y f)); 'hinge' max(0, 1 - y f); 'squared_hinge' its square; 'softmax' the
        cross-entropy of several outputs.
    loss_parameter : float, default=None
        'huber': the threshold, default 1.35; 'quantile': the level in (0, 1), default 0.5.
    patterns : {'refined', 'random', 'all'}, default='refined'
        'refined': those of local searches, then rounds of pricing (the neurons that most violate
        the dual constraint are added), convex optimisation and local search, until the gap or
        `max_iter` is reached; the objective never rises. 'random': `n_patterns` of random
        hyperplanes, as in [1]_: one convex program, often a poor model. 'all': every pattern there
        is, for few features or few samples and one output: the global optimum, with proof.
    n_patterns : int, default=100
        Number of patterns for 'random'.
    n_neurons : int, default=50
        Width of the networks of the local searches.
    n_restarts : int, default=8
        Number of local searches begun; the better half is finished.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights w of the samples; only their ratios matter.
    fit_intercept : bool, default=True
        Whether neurons and outputs have a bias.
    adversarial_radius : float, default=0
        How far each sample may move, in the units of `X`, before its loss is taken: the objective
        is that of the worst case, exactly. See Notes.
    adversarial_norm : {'linf', 'l2'}, default='linf'
        The norm in which it moves so far.
    max_iter : int, default=30
        Limit on rounds.
    tol : float, default=1e-2
        Training ends when ``objective - lower_bound <= tol * objective``.
    network_init : NetworkResult, default=None
        A network to begin with, of the same numbers of features and outputs.
    random_state : int, RandomState instance or None, default=None
        Seed of the local searches, the patterns and the pricing.
    n_threads : int, default=None
        Number of threads, with the same result for any. None: the environment variable
        CYCLOID_NUM_THREADS, else all CPUs that the process may use, within OpenMP's limits;
        -1: all CPUs.
    time_limit : float, default=None
        Seconds after which training ends with the best network so far.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms. True stops the training; an
        exception passes through unchanged.
    verbose : int, default=0
        1 prints a line each round.
    progress : bool, default=False
        Whether to show a progress bar (needs tqdm).

    Returns
    -------
    NetworkResult
        The network, its objective, the lower bound, status and trace.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument has a wrong value or shape, NaN or infinity; the message names it. Also if
        `patterns` is 'all' and there are more than 200,000 of them, or several outputs.
    ImportError
        If `progress` is asked for without tqdm.

    Warns
    -----
    ConvergenceWarning
        If the gap stays above the tolerance; the message says why and what helps.

    Notes
    -----
    With `adversarial_radius` r > 0 each loss is that of the worst input within r of x_i,
    ``max over |e| <= r of l(f(x_i + e), y_i)``, over networks none of whose neurons changes its
    sign within such a ball (with several outputs, the worst cases of the outputs are added). Then
    the problem is convex for given patterns and its value the worst case exactly: section 4 of
    [1]_, here for 'squared_error', 'log_loss', 'hinge' and 'squared_hinge', and for both norms.
    `lower_bound` is over the patterns that were used. They are those of gaps between the balls and
    of `n_patterns` perturbed samples ('random'), also of a local search ('refined'), or all. A
    round is 1000 iterations of alternating directions.

    References
    ----------
    .. [1] Y. Bai, T. Gautam, S. Sojoudi, "Efficient global optimization of two-layer ReLU networks:
       quadratic-time algorithms and adversarial training", SIAM Journal on Mathematics of Data
       Science 5(2), 2023: programs (2) and (3).
    .. [2] M. Pilanci, T. Ergen, "Neural networks are convex regularizers: exact polynomial-time
       convex optimization formulations for two-layer networks", ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.neural_network import convex_relu
    >>> x = np.linspace(-1, 1, 9)
    >>> result = convex_relu(x[:, None], np.abs(x), alpha=1e-3, patterns="all")
    >>> result.bound_is_rigorous, result.gap <= 0.01 * result.objective
    (True, True)
    >>> bool(np.abs(result.predict(x[:, None])[:, 0] - np.abs(x)).max() < 0.05)
    True
    """
    start = time.perf_counter()
    check_option("loss", loss, tuple(LOSSES))
    design, targets, weights = as_problem(
        X, y, sample_weight, loss, check_flag("fit_intercept", fit_intercept)
    )
    check_option("patterns", patterns, ("refined", "random", "all"))
    if patterns == "all" and targets.shape[1] > 1:
        raise ValueError(f"patterns='all' needs one output; got {targets.shape[1]}. Use 'refined'")
    ball = as_ball(adversarial_radius, adversarial_norm, design.shape[1] - fit_intercept, loss)
    max_iter = check_integer("max_iter", max_iter, low=1)
    tol = check_finite_real("tol", tol, open_low=True)
    alpha = check_finite_real("alpha", alpha, open_low=True)
    n_neurons = check_integer("n_neurons", n_neurons, low=1)
    n_patterns = check_integer("n_patterns", n_patterns, low=1)
    n_restarts = check_integer("n_restarts", n_restarts, low=1)
    loss_parameter = as_loss_parameter(loss, loss_parameter)
    limit = math.inf if time_limit is None else check_real("time_limit", time_limit)
    initial = as_start(network_init, design, targets, fit_intercept)
    seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    reporter = (ProgramReporter if ball.radius > 0 else Reporter)(
        callback,
        check_integer("verbose", int(verbose) if isinstance(verbose, bool) else verbose, low=0),
        check_flag("progress", progress),
        max_iter,
    )
    try:
        if ball.radius > 0:
            run = _robust.Training(
                design,
                weights,
                ball,
                loss=LOSSES[loss],
                alpha=alpha,
                intercept=fit_intercept,
                tol=tol,
                max_rounds=max_iter,
                n_threads=thread_count(n_threads),
                deadline=start + limit,
                observer=reporter.observer,
            )
            neurons = design[:0].T if initial is None else initial[0]
            raw = _robust.train(run, targets, patterns, n_patterns, n_neurons, neurons, seed)
        else:
            raw = _core.relu_train(
                design,
                targets,
                weights,
                loss=LOSSES[loss],
                loss_parameter=loss_parameter,
                alpha=alpha,
                mode=patterns,
                n_neurons=n_neurons,
                n_restarts=n_restarts,
                n_patterns=n_patterns,
                max_rounds=max_iter,
                tol=tol,
                intercept=fit_intercept,
                most_work=MOST_WORK,
                start=initial,
                seed=seed,
                n_threads=thread_count(n_threads),
                time_limit=limit,
                observer=reporter.observer,
            )
    finally:
        reporter.close()
    result = _to_result(raw, alpha, fit_intercept, tol, time.perf_counter() - start)
    warn_unless_converged("convex_relu", "rounds", result)
    return result


def convex_relu_path(
    X: ArrayLike, y: ArrayLike, alphas: ArrayLike, **options: Any
) -> Sequence[NetworkResult]:
    """Networks at a sequence of penalty strengths, each begun at the one before.

    Parameters
    ----------
    X, y
        As for `convex_relu`.
    alphas : array-like of shape (n_alphas,)
        Strengths of the penalty, > 0, in the order in which they are solved; descending ones
        suit the warm starts best.
    **options
        All other parameters of `convex_relu`; `network_init` is where the first one begins.

    Returns
    -------
    tuple of NetworkResult
        One for each alpha.

    Raises
    ------
    TypeError, ValueError
        As for `convex_relu`.

    Warns
    -----
    ConvergenceWarning
        For each alpha whose gap stays above the tolerance.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.neural_network import convex_relu_path
    >>> x = np.linspace(-1, 1, 9)
    >>> path = convex_relu_path(x[:, None], np.abs(x), [1e-2, 1e-3], patterns="all")
    >>> path[0].objective > path[1].objective
    True
    """
    results: list[NetworkResult] = []
    initial = options.pop("network_init", None)
    for alpha in as_strengths("alphas", alphas):
        initial = convex_relu(X, y, float(alpha), network_init=initial, **options)
        results.append(initial)
    return tuple(results)


def _to_result(raw: Any, alpha: float, bias: bool, tol: float, seconds: float) -> NetworkResult:
    u, a = raw["u"], raw["a"]
    return NetworkResult(
        hidden_coef=np.ascontiguousarray(u[:-1] if bias else u),
        hidden_intercept=u[-1].copy() if bias else np.zeros(u.shape[1]),
        output_coef=np.ascontiguousarray(a.T),
        output_intercept=raw["c"].ravel(),
        alpha=alpha,
        objective=raw["objective"],
        lower_bound=raw["lower_bound"],
        bound_is_rigorous=raw["bound_is_rigorous"],
        rigorous_bound=raw["rigorous_bound"],
        tolerance=tol,
        status=Status(int(raw["status"])),  # type: ignore[call-arg]
        n_iter=raw["n_rounds"],
        n_patterns=raw["n_patterns"],
        seconds=seconds,
        trace=dict(raw["trace"]),
    )
