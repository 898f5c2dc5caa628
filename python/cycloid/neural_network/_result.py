"""What training a network returns, what it prints and what it warns of."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array

from cycloid._result import Row, Status, TableReporter, Vector, caller_level

Matrix = NDArray[np.float64]

REMEDIES = {
    Status.MAX_ITER: "Increase max_iter, tol or alpha",
    Status.TIME_LIMIT: "Increase time_limit, tol or alpha",
    Status.STOPPED: "Let the callback return None or False to go on",
    Status.STALLED: "Increase tol or alpha: no neuron was found that lowers the objective, and the "
    "bound is too weak to prove that there is none",
    Status.NUMERICAL_ERROR: "Scale X and y to moderate ranges",
}


@dataclass(frozen=True, eq=False)
class NetworkResult:
    """A network of one hidden layer, ``x -> relu(x @ U + b) @ A + c``, and how good it is.

    Attributes
    ----------
    hidden_coef : ndarray of shape (n_features, n_neurons)
        U, the weights of the hidden layer.
    hidden_intercept : ndarray of shape (n_neurons,)
        b; zeros without `fit_intercept`.
    output_coef : ndarray of shape (n_neurons, n_outputs)
        A, the weights of the output layer.
    output_intercept : ndarray of shape (n_outputs,)
        c; zeros without `fit_intercept`.
    alpha : float
        The strength of the penalty.
    objective : float
        Objective of this very network (not of a convex program).
    lower_bound : float
        The best lower bound of the objective over networks of any width; -inf where none is known.
    bound_is_rigorous : bool
        Whether `lower_bound` is proved. If not, it holds provided that the search for the most
        violated neuron found it, which is not certain.
    rigorous_bound : float
        A lower bound that is proved in any case; often far below `lower_bound`.
    tolerance : float
        The gap that was asked for, relative to `objective`.
    status : Status
        How training ended; `status.sentence` says it in words.
    n_iter : int
        Rounds of pricing and optimisation.
    n_patterns : int
        Activation patterns in the last convex program.
    seconds : float
        Wall-clock time.
    trace : dict of str to ndarray
        One row a round: round, seconds, objective, lower_bound, n_neurons, n_blocks, n_new (neurons
        that pricing added), violation (of the dual constraint, relative to alpha, by the worst).
        Of robust training, that of the last program: iteration, seconds, objective, lower_bound.
    """

    hidden_coef: Matrix = field(repr=False)
    hidden_intercept: Vector = field(repr=False)
    output_coef: Matrix = field(repr=False)
    output_intercept: Vector = field(repr=False)
    alpha: float
    objective: float
    lower_bound: float
    bound_is_rigorous: bool
    rigorous_bound: float
    tolerance: float
    status: Status
    n_iter: int
    n_patterns: int
    seconds: float
    trace: dict[str, Vector] = field(repr=False)

    @property
    def gap(self) -> float:
        """``objective - lower_bound``: how far above the global minimum it can be."""
        return self.objective - self.lower_bound

    @property
    def n_neurons(self) -> int:
        """Width of the hidden layer."""
        return int(self.hidden_coef.shape[1])

    @property
    def converged(self) -> bool:
        """Whether the gap reached the tolerance."""
        return self.status == Status.CONVERGED

    def predict(self, X: Any) -> Matrix:
        """Outputs of the network, of shape (n_samples, n_outputs)."""
        X = check_array(X, dtype=np.float64, input_name="X")
        if X.shape[1] != len(self.hidden_coef):
            raise ValueError(f"X must have {len(self.hidden_coef)} features; got {X.shape[1]}")
        hidden = np.maximum(X @ self.hidden_coef + self.hidden_intercept, 0.0)
        outputs: Matrix = hidden @ self.output_coef + self.output_intercept
        return outputs


class Bounded(Protocol):
    """A network, trained to a gap."""

    @property
    def objective(self) -> float: ...
    @property
    def lower_bound(self) -> float: ...
    @property
    def bound_is_rigorous(self) -> bool: ...
    @property
    def tolerance(self) -> float: ...
    @property
    def status(self) -> Status: ...
    @property
    def n_iter(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def converged(self) -> bool: ...


def warn_unless_converged(who: str, steps: str, result: Bounded) -> None:
    """A ConvergenceWarning that says what happened, how far it got and what helps."""
    if result.converged:
        return
    warnings.warn(
        f"{who}: {result.status.sentence} (Status.{result.status.name}): the objective is "
        f"{result.objective:.6g} and its lower bound {result.lower_bound:.6g}"
        f"{'' if result.bound_is_rigorous else ' (heuristic)'}, wanted a gap of "
        f"{result.tolerance:.3g} of the objective, after {result.n_iter} {steps} and "
        f"{result.seconds:.3g} s. {REMEDIES[result.status]}.",
        ConvergenceWarning,
        stacklevel=caller_level(),
    )


class Reporter(TableReporter):
    """One line a round."""

    COLUMNS = ("round", "seconds", "objective", "lower_bound", "n_neurons", "n_blocks", "violation")

    def __init__(self, callback: Any, verbose: int, progress: bool, total: int) -> None:
        super().__init__(callback, verbose, progress, self.COLUMNS, total, "round")

    def progress_note(self, row: Row) -> str:
        return f"objective {row['objective']:.5g}, bound {row['lower_bound']:.5g}"


class ProgramReporter(TableReporter):
    """One line each time that the bounds of a convex program are computed."""

    COLUMNS = ("iteration", "seconds", "objective", "lower_bound")

    def __init__(self, callback: Any, verbose: int, progress: bool, total: int) -> None:
        super().__init__(callback, verbose, progress, self.COLUMNS, None, "iteration")

    def progress_note(self, row: Row) -> str:
        return f"objective {row['objective']:.5g}, bound {row['lower_bound']:.5g}"
