"""`sinkhorn` and `sinkhorn2` as POT has them, answered by `solve`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cycloid._inputs import check_finite_real, check_flag, check_integer, check_option
from cycloid._result import Status
from cycloid.ot._batch import solve_batch
from cycloid.ot._measures import (
    Matrix,
    as_marginals,
    as_matrix,
    quietly,
    solve_quietly,
    warn_not_converged,
)
from cycloid.ot._result import TransportResult

# POT's methods whose warm start is in the unit of the cost; the others take log(u), log(v).
_IN_COST_UNITS = ("sinkhorn_stabilized", "sinkhorn_epsilon_scaling")
_METHODS = ("sinkhorn", "sinkhorn_log", "greenkhorn", *_IN_COST_UNITS, "auto", "sns")
# How POT's methods iterate; the answer does not depend on these.
_WITHOUT_EFFECT = frozenset({"tau", "epsilon0", "numInnerItermax", "print_period"})
_OF_SOLVE = frozenset({"n_threads", "time_limit", "callback"})


def sinkhorn(
    a: ArrayLike | None,
    b: ArrayLike | None,
    M: ArrayLike,
    reg: float,
    method: str = "sinkhorn",
    numItermax: int = 1000,
    stopThr: float = 1e-9,
    verbose: bool = False,
    log: bool = False,
    warn: bool = True,
    warmstart: Any = None,
    **kwargs: Any,
) -> Any:
    r"""Plan of entropic optimal transport, with the signature of POT's `ot.sinkhorn`.

    Minimises over the plans P >= 0 with row sums a and column sums b::

        <M, P> + reg * sum_ij P_ij log P_ij

    The answer is that of `solve`: it does not depend on `method`, and reg may be as small as
    `solve` allows, without overflow.

    Parameters
    ----------
    a : array-like of shape (n,) or None
        Source masses, non-negative; zeros are allowed. None or empty is uniform, 1/n each.
    b : array-like of shape (m,) or (m, n_hists) or None
        Target masses, non-negative, of the same total as `a`. With two dimensions each column is
        a problem of its own, and the transport costs are returned in the place of a plan.
    M : array-like of shape (n, m)
        Costs, finite.
    reg : float
        Strength of the entropy, > 0, in the unit of M.
    method : str, default='sinkhorn'
        Any of POT's 'sinkhorn', 'sinkhorn_log', 'greenkhorn', 'sinkhorn_stabilized' and
        'sinkhorn_epsilon_scaling', in either case, which all give the same answer here and differ
        in the unit of `warmstart` only; or 'auto' (what those stand for) and 'sns', as in `solve`.
    numItermax : int, default=1000
        Limit on the iterations of `solve`.
    stopThr : float, default=1e-9
        Stop at this marginal error: the sum of absolute differences between the row sums and a
        plus that between the column sums and b, in the unit of the masses. It is never below the
        error of POT's rule (the L2 norm of the difference in the column sums).
    verbose : bool, default=False
        Whether to print a table of the iterations.
    log : bool, default=False
        Whether to return a dict beside the answer.
    warn : bool, default=True
        Whether to warn if `stopThr` was not reached.
    warmstart : pair of array-like, default=None
        Potentials to start from, of shapes (n,) and (m,), or (n, n_hists) and (m, n_hists) to
        start each histogram from its own, or a list of n_hists pairs. They are log(u) and log(v),
        except for 'sinkhorn_stabilized' and 'sinkhorn_epsilon_scaling', which take
        alpha = reg * log(u) and beta = reg * log(v). The 'warmstart' of `log` has the right unit.
    **kwargs
        `n_threads`, `time_limit` and `callback` as in `solve`, or as in `solve_batch` where `b`
        has two dimensions. POT's `tau`, `epsilon0`, `numInnerItermax` and `print_period` say how
        its methods iterate; they have no effect.

    Returns
    -------
    ndarray of shape (n, m) or (n_hists,)
        The plan; with two dimensions of `b` the transport costs <M, P>. float32 if a, b and M
        are, else float64 (computed in double precision in either case).
    dict
        Only with `log=True`. `u`, `v`: the scalings of P = diag(u) exp(-M/reg) diag(v), of shapes
        (n,) and (m,) or (n, n_hists) and (m, n_hists), zero for empty bins, infinite where
        exp overflows. `log_u`, `log_v` and their other name `logu`, `logv`: their logarithms.
        `alpha`, `beta`: these times reg. `warmstart`: what to pass to the next call. `err`:
        marginal error, one an iteration. `niter` and its other name `n_iter`: iterations.
        `results`: the `TransportResult` of each histogram. Numbers are float64.

    Raises
    ------
    ValueError
        If an argument has a wrong value or shape; the message names it.
    TypeError
        If a keyword is unknown or a number is none.

    Warns
    -----
    ConvergenceWarning
        With `warn=True`, if `stopThr` was not reached.

    See Also
    --------
    sinkhorn2 : The transport cost.

    References
    ----------
    M. Cuturi. Sinkhorn Distances: Lightspeed Computation of Optimal Transport. NIPS 2013, Eq. 2.

    Examples
    --------
    >>> from cycloid.ot import sinkhorn
    >>> sinkhorn([0.5, 0.5], [0.5, 0.5], [[0.0, 1.0], [1.0, 0.0]], 1.0).round(6)
    array([[0.365529, 0.134471],
           [0.134471, 0.365529]])
    """
    answer = _answer(
        "sinkhorn", a, b, M, reg, method, numItermax, stopThr, verbose, warn, warmstart, kwargs
    )
    value = answer.costs if answer.several else answer.plan
    return (value, answer.log()) if check_flag("log", log) else value


def sinkhorn2(
    a: ArrayLike | None,
    b: ArrayLike | None,
    M: ArrayLike,
    reg: float,
    method: str = "sinkhorn",
    numItermax: int = 1000,
    stopThr: float = 1e-9,
    verbose: bool = False,
    log: bool = False,
    warn: bool = False,
    warmstart: Any = None,
    **kwargs: Any,
) -> Any:
    r"""Cost of entropic optimal transport, with the signature of POT's `ot.sinkhorn2`.

    Returns <M, P>, without the entropy, at the plan P of `sinkhorn`.

    Parameters
    ----------
    a, b, M, reg, method, numItermax, stopThr, verbose, log, warmstart, **kwargs
        As in `sinkhorn`.
    warn : bool, default=False
        Whether to warn if `stopThr` was not reached.

    Returns
    -------
    float or ndarray of shape (n_hists,)
        <M, P>, one for each column of a `b` with two dimensions. float32 if a, b and M are.
    dict
        Only with `log=True`, as in `sinkhorn`.

    Raises
    ------
    TypeError, ValueError
        As in `sinkhorn`.

    Warns
    -----
    ConvergenceWarning
        With `warn=True`, if `stopThr` was not reached.

    See Also
    --------
    sinkhorn : The plan.

    References
    ----------
    M. Cuturi. Sinkhorn Distances: Lightspeed Computation of Optimal Transport. NIPS 2013, Eq. 2.

    Examples
    --------
    >>> from cycloid.ot import sinkhorn2
    >>> cost = sinkhorn2([0.5, 0.5], [0.5, 0.5], [[0.0, 1.0], [1.0, 0.0]], 1.0)
    >>> print(f"{cost:.6f}")
    0.268941
    """
    answer = _answer(
        "sinkhorn2", a, b, M, reg, method, numItermax, stopThr, verbose, warn, warmstart, kwargs
    )
    value = answer.costs if answer.several else answer.costs[0]
    return (value, answer.log()) if check_flag("log", log) else value


_TINY = np.finfo(float).tiny  # in the place of a threshold of zero, which nothing reaches


@dataclass(frozen=True)
class _Answer:
    """The results of all histograms, in the forms in which POT hands them out."""

    results: list[TransportResult]
    several: bool
    in_cost_units: bool
    total: float
    dtype: type[np.floating[Any]]

    @property
    def plan(self) -> NDArray[Any]:
        return self.results[0].plan().astype(self.dtype, copy=False)

    @property
    def costs(self) -> NDArray[Any]:
        return np.array([result.transport_cost for result in self.results], dtype=self.dtype)

    def log(self) -> dict[str, Any]:
        reg = self.results[0].reg
        f = np.stack([result.f for result in self.results], axis=1)
        g = np.stack([result.g for result in self.results], axis=1)
        alpha, beta = (f, g) if self.several else (f[:, 0], g[:, 0])
        log_u, log_v = alpha / reg, beta / reg
        n_iter = max(result.n_iter for result in self.results)
        with np.errstate(over="ignore"):
            u, v = np.exp(log_u), np.exp(log_v)
        return {
            "err": [self.total * e for result in self.results for e in result.trace["violation"]],
            "niter": n_iter,
            "n_iter": n_iter,
            "u": u,
            "v": v,
            "log_u": log_u,
            "log_v": log_v,
            "logu": log_u,
            "logv": log_v,
            "alpha": alpha,
            "beta": beta,
            "warmstart": (alpha, beta) if self.in_cost_units else (log_u, log_v),
            "results": self.results,
        }


def _answer(
    who: str,
    a: Any,
    b: Any,
    M: Any,
    reg: Any,
    method: Any,
    max_iter: Any,
    tol: Any,
    verbose: Any,
    warn: Any,
    warmstart: Any,
    options: dict[str, Any],
) -> _Answer:
    method = method.lower() if isinstance(method, str) else method
    check_option("method", method, _METHODS)
    unknown = set(options) - _WITHOUT_EFFECT - _OF_SOLVE
    if unknown:
        raise TypeError(f"{who}() got an unexpected keyword argument {min(unknown)!r}")
    reg = check_finite_real("reg", reg, open_low=True)
    tol = check_finite_real("stopThr", tol)
    dtype = _precision(a, b, M)
    M = as_matrix("M", M)
    several = np.ndim(b) == 2 and np.size(b) > 0
    columns = list(np.asarray(b).T) if several else [b]
    marginals = [as_marginals(a, column, M.shape) for column in columns]
    in_cost_units = method in _IN_COST_UNITS
    starts = _starts(warmstart, M.shape, len(columns), 1.0 if in_cost_units else reg)
    total = float(marginals[0][0].sum())
    call: dict[str, Any] = {
        "method": method if method == "sns" else "auto",
        "tol": max(tol, _TINY) / total,
        "max_iter": check_integer("numItermax", max_iter, low=1),
        "verbose": int(check_flag("verbose", verbose)),
        **{name: value for name, value in options.items() if name in _OF_SOLVE},
    }
    if several:
        targets = np.stack([target for _, target in marginals])
        with quietly():
            results = list(
                solve_batch(marginals[0][0], targets, M, reg, potentials_init=starts, **call)
            )
    else:
        start = None if starts is None else (starts[0][0], starts[1][0])
        results = [solve_quietly(*marginals[0], M, reg, potentials_init=start, **call)]
    if check_flag("warn", warn):
        _warn_unless_converged(who, results, total, tol)
    return _Answer(results, several, in_cost_units, total, dtype)


def _precision(*arrays: Any) -> type[np.floating[Any]]:
    """float32 if everything given is, as POT has it; lists are float64."""
    types = {np.asarray(x).dtype for x in arrays if x is not None and np.size(x)}
    return np.float32 if types == {np.dtype(np.float32)} else np.float64


def _starts(
    warmstart: Any, shape: tuple[int, int], n_hists: int, unit: float
) -> tuple[Matrix, Matrix] | None:
    """Potentials to start from, in the unit of the cost: one histogram a row."""
    if warmstart is None:
        return None
    pairs = _pairs(warmstart)
    if len(pairs) == 1:
        f, g = (
            _start(potential, length, n_hists, unit)
            for potential, length in zip(pairs[0], shape, strict=True)
        )
        return f, g
    if len(pairs) != n_hists:
        raise ValueError(
            f"warmstart must be a pair, or one pair for each of the {n_hists} histograms; got "
            f"{len(pairs)} pairs"
        )
    f, g = (
        np.concatenate([_start(pair[side], length, 1, unit) for pair in pairs])
        for side, length in enumerate(shape)
    )
    return f, g


def _pairs(warmstart: Any) -> list[Any]:
    """The pairs of a list of pairs; one if it is a pair itself."""
    if not isinstance(warmstart, tuple | list) or not len(warmstart):
        raise TypeError(f"warmstart must be a pair of arrays or None; got {warmstart!r}")
    nested = isinstance(warmstart[0], tuple | list) and np.ndim(warmstart[0][0]) == 1
    pairs = list(warmstart) if nested else [warmstart]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"warmstart must be a pair of arrays; got {len(pairs[0])} of them")
    return pairs


def _start(potential: Any, length: int, n_hists: int, unit: float) -> Matrix:
    """One side as (n_hists, length); bins at -inf had no mass and start anywhere."""
    array = np.asarray(potential, dtype=np.float64)
    if array.shape not in ((length,), (length, 1), (length, n_hists)):
        raise ValueError(
            f"warmstart must hold an array of shape ({length},) or ({length}, {n_hists}); got "
            f"{array.shape}"
        )
    if np.isnan(array).any() or np.isposinf(array).any():
        raise ValueError("warmstart contains NaN or infinity")
    finite = np.where(np.isneginf(array), 0.0, unit * array).reshape(length, -1)
    return np.ascontiguousarray(np.broadcast_to(finite, (length, n_hists)).T)


def _warn_unless_converged(
    who: str, results: list[TransportResult], total: float, tol: float
) -> None:
    failed = [result for result in results if result.status != Status.CONVERGED]
    if not failed:
        return
    worst = max(failed, key=lambda result: result.violation)
    count = f"{len(failed)} of {len(results)} histograms, at worst " if len(results) > 1 else ""
    warn_not_converged(
        who,
        worst.status,
        f"{count}the marginal error is {total * worst.violation:.3g}, wanted {tol:.3g}, after "
        f"{worst.n_iter} iterations",
        "Increase numItermax, stopThr or reg",
    )
