"""Gated ReLU networks: the convex program without its cones."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_random_state

from cycloid import _core
from cycloid._inputs import (
    check_finite_real,
    check_flag,
    check_integer,
    check_option,
    check_real,
    thread_count,
)
from cycloid._result import Callback, Status, Vector
from cycloid.neural_network._problem import LOSSES, as_loss_parameter, as_problem
from cycloid.neural_network._result import Matrix, ProgramReporter, warn_unless_converged


@dataclass(frozen=True, eq=False)
class GatedNetworkResult:
    """A gated network, ``f(x) = sum_j 1[x . g_j + t_j >= 0] (x . V_j + b_j) + c``.

    Attributes
    ----------
    gate_coef : ndarray of shape (n_features, n_gates)
        g, a column for each gate that has a coefficient.
    gate_intercept : ndarray of shape (n_gates,)
        t; zeros without `fit_intercept`.
    coef : ndarray of shape (n_gates, n_features, n_outputs)
        V.
    coef_intercept : ndarray of shape (n_gates, n_outputs)
        b; zeros without `fit_intercept`.
    output_intercept : ndarray of shape (n_outputs,)
        c; zeros without `fit_intercept`.
    alpha : float
        The strength of the penalty.
    objective : float
        Objective of this network.
    lower_bound : float
        Proved lower bound of the objective over all networks with the gates that were drawn.
    tolerance : float
        The gap that was asked for, relative to `objective`.
    status : Status
        How the solve ended; `status.sentence` says it in words.
    n_iter : int
        Iterations.
    n_patterns : int
        Gates that differ on the samples, of those that were drawn.
    seconds : float
        Wall-clock time.
    trace : dict of str to ndarray
        iteration, seconds, objective and lower_bound, each time that they were computed.
    """

    gate_coef: Matrix = field(repr=False)
    gate_intercept: Vector = field(repr=False)
    coef: Matrix = field(repr=False)
    coef_intercept: Matrix = field(repr=False)
    output_intercept: Vector = field(repr=False)
    alpha: float
    objective: float
    lower_bound: float
    tolerance: float
    status: Status
    n_iter: int
    n_patterns: int
    seconds: float
    trace: dict[str, Vector] = field(repr=False)

    bound_is_rigorous = True

    @property
    def gap(self) -> float:
        """``objective - lower_bound``: how far above the minimum it can be."""
        return self.objective - self.lower_bound

    @property
    def n_gates(self) -> int:
        """Gates with a coefficient."""
        return int(self.gate_coef.shape[1])

    @property
    def converged(self) -> bool:
        """Whether the gap reached the tolerance."""
        return self.status == Status.CONVERGED

    def predict(self, X: Any) -> Matrix:
        """Outputs of the network, of shape (n_samples, n_outputs)."""
        X = check_array(X, dtype=np.float64, input_name="X")
        if X.shape[1] != len(self.gate_coef):
            raise ValueError(f"X must have {len(self.gate_coef)} features; got {X.shape[1]}")
        opened = X @ self.gate_coef + self.gate_intercept >= 0
        outputs = np.tile(self.output_intercept, (len(X), 1))
        for j in range(self.n_gates):
            outputs += opened[:, j, None] * (X @ self.coef[j] + self.coef_intercept[j])
        return outputs


def gated_relu(
    X: ArrayLike,
    y: ArrayLike,
    alpha: float,
    *,
    loss: str = "squared_error",
    loss_parameter: float | None = None,
    n_patterns: int = 100,
    sample_weight: ArrayLike | None = None,
    fit_intercept: bool = True,
    max_iter: int = 10_000,
    tol: float = 1e-4,
    random_state: Any = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
) -> GatedNetworkResult:
    """Train a gated ReLU network: random gates, and their coefficients by a convex program.

    For gates g_j, t_j drawn from a Gaussian, minimise over V_j, b_j (a vector and a number for each
    output) and c::

        sum_i w_i l(f(x_i), y_i) / sum(w) + alpha * sum_j sum_k sqrt(|V_jk|^2 + b_jk^2),

        f(x) = sum_j 1[x . g_j + t_j >= 0] (x . V_j + b_j) + c

    This is the convex program of `convex_relu` without the constraints that make each V_j a ReLU
    neuron with its own gate [1]_: a group Lasso, faster to solve, with an objective that is not
    above that of the same patterns with the constraints.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Features. Scale them to similar ranges: all coefficients are penalised alike.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets, as for `convex_relu`.
    alpha : float
        Strength of the penalty, > 0.
    loss : str, default='squared_error'
        As for `convex_relu`.
    loss_parameter : float, default=None
        As for `convex_relu`.
    n_patterns : int, default=100
        Number of gates that are drawn; those that are alike on all samples count once.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights w of the samples; only their ratios matter.
    fit_intercept : bool, default=True
        Whether t, b and c are fitted; else they are zero.
    max_iter : int, default=10000
        Limit on iterations.
    tol : float, default=1e-4
        The solve ends when ``objective - lower_bound <= tol * objective``.
    random_state : int, RandomState instance or None, default=None
        Seed of the gates.
    n_threads : int, default=None
        Number of threads. None: the environment variable CYCLOID_NUM_THREADS, else all CPUs that
        the process may use, within OpenMP's limits; -1: all CPUs.
    time_limit : float, default=None
        Seconds after which the solve ends with the best network so far.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms. True stops the solve; an
        exception passes through unchanged.
    verbose : int, default=0
        1 prints a line each time that the bounds are computed.

    Returns
    -------
    GatedNetworkResult
        The network, its objective, a proved lower bound, status and trace.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument has a wrong value or shape, NaN or infinity; the message names it.

    Warns
    -----
    ConvergenceWarning
        If the gap stays above the tolerance; the message says why and what helps.

    References
    ----------
    .. [1] A. Mishkin, A. Sahiner, M. Pilanci, "Fast convex optimization for two-layer ReLU
       networks: equivalent model classes and cone decompositions", ICML 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.neural_network import gated_relu
    >>> x = np.linspace(-1, 1, 9)
    >>> result = gated_relu(x[:, None], np.abs(x), alpha=1e-3, random_state=0)
    >>> result.gap <= 1e-4 * result.objective
    True
    >>> bool(np.abs(result.predict(x[:, None])[:, 0] - np.abs(x)).max() < 0.05)
    True
    """
    start = time.perf_counter()
    check_option("loss", loss, tuple(LOSSES))
    bias = check_flag("fit_intercept", fit_intercept)
    design, targets, weights = as_problem(X, y, sample_weight, loss, bias)
    alpha = check_finite_real("alpha", alpha, open_low=True)
    tol = check_finite_real("tol", tol, open_low=True)
    max_iter = check_integer("max_iter", max_iter, low=1)
    n_patterns = check_integer("n_patterns", n_patterns, low=1)
    loss_parameter = as_loss_parameter(loss, loss_parameter)
    limit = math.inf if time_limit is None else check_real("time_limit", time_limit)
    verbose = check_integer(
        "verbose", int(verbose) if isinstance(verbose, bool) else verbose, low=0
    )
    seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    threads = thread_count(n_threads)
    drawn = _core.relu_patterns(
        design,
        source="gaussian",
        n_patterns=n_patterns,
        radius=0.0,
        seed=seed,
        n_threads=threads,
        observer=None,
    )
    count, outputs = drawn["active"].shape[1], targets.shape[1]
    reporter = ProgramReporter(callback, verbose, False, max_iter)
    try:
        raw = _core.relu_solve(
            design,
            targets,
            weights,
            loss=LOSSES[loss],  # type: ignore[arg-type]
            parameter=loss_parameter,
            patterns=drawn["active"],
            generators=drawn["generators"],
            block_pattern=np.repeat(np.arange(count), outputs).tolist(),
            directions=np.asfortranarray(np.tile(np.eye(outputs), count)),
            alpha=alpha,
            intercept=bias,
            gated=True,
            method="auto",
            tol=tol,
            max_iter=max_iter,
            warm=None,
            seed=seed,
            n_threads=threads,
            time_limit=max(limit - (time.perf_counter() - start), 0.0),
            observer=reporter.observer,
        )
    finally:
        reporter.close()
    v = raw["v"].T.reshape(count, outputs, -1)  # a row of the design for each gate and output
    kept = np.abs(v).max(axis=(1, 2)) > 0
    coef = np.swapaxes(v[kept], 1, 2)
    gates = drawn["generators"][:, kept]
    result = GatedNetworkResult(
        gate_coef=gates[:-1] if bias else gates,
        gate_intercept=gates[-1] if bias else np.zeros(kept.sum()),
        coef=coef[:, :-1] if bias else coef,
        coef_intercept=coef[:, -1] if bias else np.zeros((kept.sum(), outputs)),
        output_intercept=raw["intercept"],
        alpha=alpha,
        objective=raw["objective"],
        lower_bound=raw["lower_bound"],
        tolerance=tol,
        status=Status(int(raw["status"])),  # type: ignore[call-arg]
        n_iter=raw["n_iter"],
        n_patterns=count,
        seconds=time.perf_counter() - start,
        trace=dict(raw["trace"]),
    )
    warn_unless_converged("gated_relu", "iterations", result)
    return result
