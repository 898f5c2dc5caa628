"""What the runner knows of a solver."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from bench.problems import Problem


class Solution(NamedTuple):
    """``coef`` is (p,), or (p, K) for a path, dense or sparse; ``intercept`` None: none was fitted.

    ``seconds`` (wall, CPU) is set only by solvers that run in another process and time themselves.
    """

    coef: Any
    intercept: Any = None
    seconds: tuple[float, float] | None = None


@dataclass(frozen=True)
class Peer:
    """One solver.

    prepare(problem, n_threads) -> data   untimed: the format in which a user would have the data
    solve(data, tol) -> Solution          timed; ``tol`` is one step of the common ladder
    reason() -> str                       why it cannot run here; empty if it can
    """

    name: str
    supports: Callable[[Problem], bool]
    prepare: Callable[[Problem, int], Any]
    solve: Callable[[Any, float], Solution]
    reason: Callable[[], str]
    close: Callable[[Any], None] = lambda data: None


def needs(*modules: str) -> Callable[[], str]:
    """A ``reason`` for Python packages."""

    def reason() -> str:
        missing = [m for m in modules if importlib.util.find_spec(m) is None]
        return f"not installed: {', '.join(missing)}" if missing else ""

    return reason


def is_lasso(problem: Problem) -> bool:
    return problem.loss == "squared" and problem.l1_ratio == 1.0


def is_l1_logistic(problem: Problem) -> bool:
    return problem.loss == "logistic" and problem.l1_ratio == 1.0 and not problem.is_path


def is_l2_logistic(problem: Problem) -> bool:
    return problem.loss == "logistic" and problem.l1_ratio == 0.0 and not problem.is_path
