"""Entropic transport between measures whose masses need not agree."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cycloid import _core
from cycloid._inputs import (
    Vector,
    _check_length,
    _vector,
    check_finite_real,
    check_integer,
    check_real,
    thread_count,
)
from cycloid._result import Callback, Status
from cycloid.ot._inputs import as_masses, stored_by_rows
from cycloid.ot._measures import Matrix, as_matrix, warn_not_converged


@dataclass(frozen=True, eq=False)
class UnbalancedResult:
    """Transport with relaxed marginals.

    Attributes
    ----------
    f, g : ndarray of shape (n,), ndarray of shape (m,)
        Potentials, in the unit of the cost: P_ij = a_i b_j exp((f_i + g_j - M_ij) / reg).
    reg : float
        Strength of the entropy.
    reg_m : tuple of two floats
        Strength of the marginal terms.
    value : float
        Objective at the plan.
    dual_value : float
        Lower bound of the minimum: the dual objective at f and g.
    gap : float
        Duality gap: the value is at most this far above the minimum. Computed as a sum of terms
        that are not negative, so it is accurate where `value - dual_value` is rounding.
    tolerance : float
        The gap that was asked for, in the same unit.
    mass : float
        Total mass of the plan.
    status : Status
        How the solve ended.
    n_iter : int
        Number of updates of both potentials.
    trace : dict of str to ndarray
        One row an iteration: iteration, seconds (since the call began), gap.
    """

    f: Vector = field(repr=False)
    g: Vector = field(repr=False)
    reg: float
    reg_m: tuple[float, float]
    value: float
    dual_value: float
    gap: float
    tolerance: float
    mass: float
    status: Status
    n_iter: int
    trace: dict[str, Vector] = field(repr=False)
    _problem: tuple[Vector, Vector, Matrix] = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the gap reached the tolerance."""
        return self.status == Status.CONVERGED

    def plan(self) -> Matrix:
        """The plan P, of shape (n, m)."""
        a, b, M = self._problem
        P = np.add.outer(self.f, self.g)
        P -= M
        P /= self.reg
        np.exp(P, out=P)
        P *= a[:, None]
        P *= b
        return P


def solve_unbalanced(
    a: ArrayLike | None,
    b: ArrayLike | None,
    M: ArrayLike,
    reg: float,
    reg_m: float | tuple[float, float],
    *,
    rtol: float = 1e-15,
    tol: float = 0.0,
    max_iter: int = 10_000,
    potentials_init: tuple[ArrayLike, ArrayLike] | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> UnbalancedResult:
    r"""Entropic transport where missing and spare mass is paid for.

    Minimises over P >= 0 of shape (n, m)::

        <M, P> + reg * KL(P | a b^T) + rho_1 * KL(P 1 | a) + rho_2 * KL(P^T 1 | b)
        KL(p | q) = sum p log(p / q) - p + q

    where (rho_1, rho_2) = reg_m. As reg_m grows, the marginals approach a and b.

    Parameters
    ----------
    a : array-like of shape (n,) or None
        Source masses, non-negative, of any total; None or empty is uniform, 1/n each.
    b : array-like of shape (m,) or None
        Target masses, non-negative, of any total; None or empty is uniform, 1/m each.
    M : array-like of shape (n, m)
        Costs, finite.
    reg : float
        Strength of the entropy, > 0, in the unit of M.
    reg_m : float or pair of floats
        Strength of the marginal terms, > 0 and finite, in the unit of M; one for both sides, or
        one for each.
    rtol : float, default=1e-15
        Stop at a duality gap of `rtol` times the objective at P = 0, which is
        rho_1 sum(a) + rho_2 sum(b) + reg sum(a) sum(b). The error of the plan goes with the root
        of the gap.
    tol : float, default=0.0
        Stop at this duality gap, in the unit of the objective; the larger of the two rules.
    max_iter : int, default=10000
        Limit on the updates of both potentials; each passes over M twice.
    potentials_init : pair of array-like, default=None
        Potentials f of shape (n,) and g of shape (m,) to start from; zeros by default. The first
        update takes place in f.
    n_threads : int, default=None
        Number of threads, with the same result for any; as in `solve`.
    time_limit : float, default=None
        Seconds after which the solve ends with the potentials reached.
    callback : callable, default=None
        Called with each row of the trace as a dict; a true value ends the solve.

    Returns
    -------
    UnbalancedResult
        With potentials, `value`, `gap`, and the plan on demand.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, value or shape; the message names it.

    Warns
    -----
    ConvergenceWarning
        If the gap did not reach the tolerance.

    Notes
    -----
    The dual is maximised by f, by g and by their common translation (f + t, g - t) in turn, each
    exactly. Without the translation, convergence is slow where reg_m is much larger than reg.
    It is linear, and takes thousands of iterations where both reg and reg / reg_m are small.

    References
    ----------
    L. Chizat, G. Peyre, B. Schmitzer, F.-X. Vialard. Scaling Algorithms for Unbalanced Optimal
    Transport Problems. Math. Comp. 2018, Algorithm 1.
    T. Sejourne, F.-X. Vialard, G. Peyre. Faster Unbalanced Optimal Transport: Translation
    invariant Sinkhorn and 1-D Frank-Wolfe. AISTATS 2022, Proposition 2 (the translation).

    Examples
    --------
    >>> from cycloid.ot import solve_unbalanced
    >>> result = solve_unbalanced([1.0], [3.0], [[0.0]], reg=1e-6, reg_m=1.0)
    >>> print(f"{result.mass:.4f}")  # the geometric mean
    1.7321
    """
    M = as_matrix("M", M)
    a, b = as_masses("a", a, M.shape[0]), as_masses("b", b, M.shape[1])
    reg = check_finite_real("reg", reg, open_low=True)
    rho = _strengths(reg_m)
    rtol, tol = check_finite_real("rtol", rtol), check_finite_real("tol", tol)
    max_iter = check_integer("max_iter", max_iter, low=1)
    limit = math.inf if time_limit is None else check_real("time_limit", time_limit)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable or None; got {callback!r}")
    null_objective = rho[0] * a.sum() + rho[1] * b.sum() + reg * a.sum() * b.sum()
    tolerance = max(tol, rtol * float(null_objective))
    g = _start(potentials_init, M.shape)
    raw = _core.solve_unbalanced(
        a,
        b,
        M if stored_by_rows(M) else np.ascontiguousarray(M),
        reg,
        rho_a=rho[0],
        rho_b=rho[1],
        tol=tolerance,
        max_iter=max_iter,
        g=g,
        n_threads=thread_count(n_threads),
        time_limit=limit,
        observer=callback,
    )
    status = Status(raw["status"])  # type: ignore[call-arg]
    n_iter = len(raw["trace"]["gap"])
    if status != Status.CONVERGED:
        warn_not_converged(
            "solve_unbalanced",
            status,
            f"the duality gap is {raw['gap']:.3g}, wanted {tolerance:.3g}, after {n_iter} "
            "iterations",
            "Increase max_iter, time_limit, rtol or reg",
        )
    return UnbalancedResult(
        f=raw["f"],
        g=raw["g"],
        reg=reg,
        reg_m=rho,
        value=raw["dual_value"] + raw["gap"],
        dual_value=raw["dual_value"],
        gap=raw["gap"],
        tolerance=tolerance,
        mass=raw["mass"],
        status=status,
        n_iter=n_iter,
        trace=dict(raw["trace"]),
        _problem=(a, b, M),
    )


def _start(potentials: Any, shape: tuple[int, int]) -> Vector | None:
    """The g to start from; f follows from it."""
    if potentials is None:
        return None
    f, g = (_vector("potentials_init", potential) for potential in potentials)
    for potential, length in zip((f, g), shape, strict=True):
        _check_length("potentials_init", potential, length, "one potential a mass")
    return g


def _strengths(reg_m: Any) -> tuple[float, float]:
    pair = (reg_m, reg_m) if np.ndim(reg_m) == 0 else tuple(reg_m)
    if len(pair) != 2:
        raise ValueError(f"reg_m must be a number or a pair of numbers; got {reg_m!r}")
    first, second = (check_finite_real("reg_m", strength, open_low=True) for strength in pair)
    return first, second
