"""``python -m bench.small_problems``: problems solved and steps needed on the suite's collection of
small problems with equality constraints, by each solver that is installed.

Solved is a violation of the conditions of optimality of at most 1e-8 (the norm that
``bench.constrained`` defines, times a factor 10 for solvers that measure another one); "worse"
counts among them those where another solver's objective is lower.
"""

from __future__ import annotations

import argparse
import importlib.util
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import NonlinearConstraint, minimize

from bench.peers.ipopt import run
from tests.optimize.hard_problems import HARD
from tests.optimize.problem import Problem
from tests.optimize.problems import STANDARD

TOLERANCE = 1e-8


class Outcome(NamedTuple):
    x: np.ndarray
    steps: int


class Adapter:
    """A problem of the collection with the names that ``bench.constrained`` gives its parts."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.start, self.n, self.m = problem.start, problem.n, problem.m
        self.objective, self.gradient = problem.objective, problem.gradient
        self.constraints, self.jacobian = problem.constraints, problem.jacobian

    def objective_hessian(self, x: np.ndarray) -> np.ndarray:
        return self.problem.hessian(x, np.zeros(self.m))

    def constraint_hessian(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self.problem.hessian(x, y) - self.objective_hessian(x)

    def constraint(self) -> NonlinearConstraint:
        return NonlinearConstraint(
            self.constraints, 0, 0, jac=self.jacobian, hess=self.constraint_hessian
        )


def ipopt(problem: Adapter) -> Outcome:
    return Outcome(*run(problem, TOLERANCE))


def cycloid(problem: Adapter) -> Outcome:
    from cycloid.optimize import minimize as ours

    found = ours(
        problem.objective,
        problem.start,
        jac=problem.gradient,
        hess=problem.objective_hessian,
        constraints=problem.constraint(),
        tol=TOLERANCE,
    )
    return Outcome(found.x, found.nit)


def trust_constr(problem: Adapter) -> Outcome:
    found = minimize(
        problem.objective,
        problem.start,
        jac=problem.gradient,
        hess=problem.objective_hessian,
        method="trust-constr",
        constraints=problem.constraint(),
        options={"gtol": TOLERANCE / 10, "xtol": 1e-16, "maxiter": 2000},
    )
    return Outcome(found.x, found.nit)


def slsqp(problem: Adapter) -> Outcome:
    found = minimize(
        problem.objective,
        problem.start,
        jac=problem.gradient,
        method="SLSQP",
        constraints={"type": "eq", "fun": problem.constraints, "jac": problem.jacobian},
        options={"ftol": TOLERANCE**2, "maxiter": 10_000},
    )
    return Outcome(found.x, found.nit)


SOLVERS: dict[str, tuple[str, Callable[[Adapter], Outcome]]] = {
    "cycloid": ("cycloid", cycloid),
    "ipopt": ("cyipopt", ipopt),
    "trust-constr": ("scipy", trust_constr),
    "slsqp": ("scipy", slsqp),
}


def violation(problem: Problem, x: np.ndarray) -> float:
    """With the multipliers of least squares."""
    jacobian, gradient = problem.jacobian(x), problem.gradient(x)
    if not (np.isfinite(jacobian).all() and np.isfinite(gradient).all()):
        return np.inf
    return problem.kkt(x, -np.linalg.lstsq(jacobian.T, gradient, rcond=None)[0])


def compare(name: str, collection: dict[str, Problem]) -> None:
    found: dict[str, dict[str, Outcome]] = {}
    for solver, (module, solve) in SOLVERS.items():
        if importlib.util.find_spec(module) is None:
            continue
        found[solver] = {}
        for key, problem in collection.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    found[solver][key] = solve(Adapter(problem))
                except (ArithmeticError, ValueError) as error:
                    print(f"{solver} on {key}: {error}")
    solved = {
        solver: {
            key for key, outcome in outcomes.items()
            if violation(collection[key], outcome.x) <= 10 * TOLERANCE
        }
        for solver, outcomes in found.items()
    }  # fmt: skip
    print(f"{name}: {len(collection)} problems")
    for solver, outcomes in found.items():
        steps = [outcomes[key].steps for key in solved[solver]]
        worse = [
            key
            for key in solved[solver]
            if _objective(collection, found, solver, key)
            > min(
                _objective(collection, found, other, key) for other in found if key in solved[other]
            )
            + 1e-6
        ]
        left = sorted(set(collection) - solved[solver])
        print(
            f"  {solver:13} solved {len(steps):3}, steps on these {sum(steps):6}, median "
            f"{np.median(steps):g}; worse: {', '.join(sorted(worse)) or '-'}; not solved: "
            f"{', '.join(left) or '-'}"
        )


def _objective(
    collection: dict[str, Problem], found: dict[str, dict[str, Outcome]], solver: str, key: str
) -> float:
    return collection[key].objective(found[solver][key].x)


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    compare("standard", STANDARD)
    compare("harder", HARD)


if __name__ == "__main__":
    main()
