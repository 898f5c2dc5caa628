"""What the runner knows of a solver."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bench.linear import Problem, alpha_max


class Solution(NamedTuple):
    """Of a linear model: ``coef`` is (p,), or (p, K) for a path, dense or sparse; ``intercept``
    None: none was fitted.

    ``seconds`` (wall, CPU) is set only by solvers that run in another process and time themselves.
    """

    coef: Any
    intercept: Any = None
    seconds: tuple[float, float] | None = None


@dataclass(frozen=True)
class Peer:
    """One solver of one family of problems (Cycloid's: of all).

    prepare(problem, n_threads) -> data   untimed: the format in which a user would have the data
    solve(data, tol) -> solution          timed; ``tol`` is one step of the family's ladder. What it
                                          returns, the problem's judge takes; its ``seconds`` are
                                          not None where the solver timed itself.
    reason() -> str                       why it cannot run here; empty if it can
    is_limit                              solves the limit of the problem, with no tolerance: a row
                                          of its own in the table
    """

    name: str
    supports: Callable[[Any], bool]
    prepare: Callable[[Any, int], Any]
    solve: Callable[[Any, float], Any]
    reason: Callable[[], str]
    close: Callable[[Any], None] = lambda data: None
    is_limit: bool = False


def needs(*modules: str) -> Callable[[], str]:
    """A ``reason`` for Python packages."""

    def reason() -> str:
        missing = [m for m in modules if not _is_installed(m)]
        return f"not installed: {', '.join(missing)}" if missing else ""

    return reason


def _is_installed(module: str) -> bool:
    """A mere folder of that name on the path (no origin) does not count."""
    found = importlib.util.find_spec(module)
    return found is not None and found.origin is not None


def path_to(problem: Problem, per_decade: int = 5) -> np.ndarray:
    """The alphas for solvers whose authors advise a path, not one cold value: from alpha_max down
    to the one asked for, all of whose seconds count.
    """
    if problem.is_path:
        return problem.alphas
    largest = alpha_max(problem.X, problem.y, problem.loss, problem.l1_ratio)
    decades = np.log10(largest / problem.alpha)
    return np.geomspace(largest, problem.alpha, max(2, round(per_decade * decades)))


def is_l1_logistic(problem: Problem) -> bool:
    return problem.loss == "logistic" and problem.l1_ratio == 1.0 and not problem.is_path


def is_l2_logistic(problem: Problem) -> bool:
    return problem.loss == "logistic" and problem.l1_ratio == 0.0 and not problem.is_path
