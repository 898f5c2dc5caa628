"""From validated arrays to the core and back: what every function and estimator here shares."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from cycloid import _core
from cycloid._inputs import (
    GramMode,
    Vector,
    as_strengths,
    check_finite_real,
    check_flag,
    check_gram,
    check_integer,
    check_real,
    check_seed,
    thread_count,
)
from cycloid._result import Callback, PathResult, Reporter, Status


@dataclass(frozen=True, kw_only=True)
class Controls:
    """When a solve stops, how it computes and who watches; nothing that moves the solution."""

    rtol: float
    tol: float
    max_iter: int
    gram: GramMode
    seed: int
    n_threads: int
    deadline: float
    callback: Callback | None
    verbose: int
    progress: bool

    def quiet(self, *, n_threads: int, callback: Callback | None) -> Controls:
        """The same for one of several solves at a time."""
        return replace(self, n_threads=n_threads, callback=callback, verbose=0, progress=False)


def controls(
    *,
    rtol: Any,
    tol: Any = 0.0,
    max_iter: Any,
    precompute: Any = "auto",
    selection: Any = "cyclic",
    random_state: Any = None,
    n_threads: Any = None,
    time_limit: Any = None,
    callback: Any = None,
    verbose: Any = 0,
    progress: Any = False,
) -> Controls:
    """Checked controls. The time limit starts to run here and covers all solves they serve."""
    limit = math.inf if time_limit is None else check_real("time_limit", time_limit)
    if isinstance(verbose, bool | np.bool_):
        verbose = int(verbose)
    return Controls(
        rtol=check_finite_real("rtol", rtol),
        tol=check_finite_real("tol", tol),
        max_iter=check_integer("max_iter", max_iter, low=1),
        gram=check_gram(precompute),
        seed=check_seed(selection, random_state),
        n_threads=thread_count(n_threads),
        deadline=time.perf_counter() + limit,
        callback=callback,
        verbose=check_integer("verbose", verbose, low=0),
        progress=check_flag("progress", progress),
    )


def solve_path(
    X: Any,
    y: Vector,
    weights: Vector | None,
    *,
    loss: Literal["squared", "logistic"],
    control: Controls,
    alphas: Vector | None,
    n_alphas: int = 100,
    eps: float = 1e-3,
    l1_ratio: float = 1.0,
    penalty_weights: Vector | None = None,
    positive: bool = False,
    fit_intercept: bool = True,
    standardize: bool = False,
    coef_init: Vector | None = None,
    intercept_init: float = 0.0,
) -> PathResult:
    """One call of the core. X must come from `as_design` or `viewable`; nothing is checked here."""
    n_asked = n_alphas if alphas is None else len(alphas)
    reporter = Reporter(control.callback, control.verbose, control.progress, n_asked)
    try:
        raw = _core.solve_glm_path(
            X,
            y,
            weights,
            loss=loss,
            alphas=alphas,
            n_alphas=n_alphas,
            eps=eps,
            l1_ratio=l1_ratio,
            penalty_weights=penalty_weights,
            positive=positive,
            fit_intercept=fit_intercept,
            standardize=standardize,
            coef_init=coef_init,
            intercept_init=intercept_init,
            rtol=control.rtol,
            atol=control.tol,
            max_iter=control.max_iter,
            gram=control.gram,
            seed=control.seed,
            n_threads=control.n_threads,
            time_limit=max(0.0, control.deadline - time.perf_counter()),
            observer=reporter.observer,
        )
    finally:
        reporter.close()
    return PathResult.from_core(
        raw,
        n_features=X.shape[1],
        n_missing=n_asked - len(raw["alphas"]),
        cut=Status.STOPPED if reporter.asked_to_stop else Status.TIME_LIMIT,
        tolerance=max(control.tol, control.rtol * raw["null_objective"]),
    )


def path_strengths(
    alphas: int | ArrayLike | None, n_alphas: int | None, eps: Any, l1_ratio: float
) -> tuple[Vector | None, int, float]:
    """What the core takes as `alphas`, `n_alphas`, `eps`; given strengths are sorted, largest
    first, since each solution starts from the one before."""
    eps = check_real("eps", eps, open_low=True, high=1.0)
    if n_alphas is not None:
        if alphas is not None and not (isinstance(alphas, Integral) and alphas == 100):
            raise ValueError(
                "alphas and n_alphas must not be given together: alphas takes both "
                "a number of values and the values themselves"
            )
        alphas = check_integer("n_alphas", n_alphas, low=1)
    if alphas is None:
        alphas = 100
    if not isinstance(alphas, Integral):
        return np.sort(as_strengths("alphas", alphas))[::-1].copy(), 0, eps
    if l1_ratio == 0:
        raise ValueError(
            "alphas must be given when l1_ratio=0: without an L1 penalty no finite alpha makes "
            "all coefficients zero, so no grid can start there"
        )
    return None, check_integer("alphas", alphas, low=1), eps
