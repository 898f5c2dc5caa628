"""The demonstration's third part: equality constraints beside SciPy's trust-constr."""

import time
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from cycloid._cli import cases_newton, table
from cycloid._cli.cases_newton import NewtonCase, Vector
from cycloid._cli.peer import SHORT, best_of_three
from cycloid.optimize import minimize

TARGET = 1e-8  # violation of the conditions of optimality
PATIENCE = 4.0  # seconds for SciPy on one problem

_WIDTHS = (16, 14, 13, 9, 13, 9, 13, 6)


@dataclass(frozen=True)
class Solved:
    """A point, and the wall-clock time that it took."""

    x: Vector
    seconds: float


def run(threads: int) -> None:
    """Run every case and print the table as it grows."""
    _print_heading(threads)
    for case in cases_newton.demonstration():
        with threadpool_limits(threads):
            ours, theirs = (
                best_of_three(solve, solve())
                for solve in (partial(_cycloid, case, threads), partial(_trust_constr, case))
            )
        print(_line(case, ours, theirs), flush=True)
    _print_notes()


def _cycloid(case: NewtonCase, threads: int) -> Solved:
    started = time.perf_counter()
    with warnings.catch_warnings():
        # What was reached is measured below, for both.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if case.solve is not None:
            x = case.solve(TARGET, threads)
        else:
            x = minimize(**case.arguments, tol=TARGET, n_threads=threads).x
    return Solved(x, time.perf_counter() - started)


def _trust_constr(case: NewtonCase) -> Solved:
    """Ends where it is as soon as its own measures say so or the time is over."""
    started = time.perf_counter()

    def is_over(x: Any, state: Any) -> bool:
        # Largest entries, which the norm exceeds.
        solved = max(state.optimality, state.constr_violation) < TARGET / np.sqrt(len(x))
        return bool(solved) or time.perf_counter() - started > PATIENCE

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = scipy.optimize.minimize(
            **case.arguments,
            method="trust-constr",
            callback=is_over,
            options={"gtol": 1e-16, "xtol": 1e-16, "maxiter": 100_000},
        )
    return Solved(found.x, time.perf_counter() - started)


def _print_heading(threads: int) -> None:
    print(
        f"Equality constraints, beside trust-constr of SciPy {scipy.__version__}, "
        f"{threads} thread{'s' if threads > 1 else ''} each,"
    )
    print(f"to a violation of {TARGET:.0e}.")
    print()
    left = sum(_WIDTHS[:3]) + 3
    print(f"{'':{left}}{'violation':^23} {'time':^23}  times")
    names = ("cycloid", "trust-constr")
    print(table.row(("problem", "data", "n x m", *names * 2, "faster"), _WIDTHS, left=2))
    print(table.rule(_WIDTHS))


def _line(case: NewtonCase, ours: Solved, theirs: Solved) -> str:
    reached = [case.violation(side.x) for side in (ours, theirs)]
    more = ">" if not reached[1] <= TARGET else ""
    cells = (
        case.title,
        case.data,
        f"{case.n} x {case.m}",
        *(f"{violation:.0e}" for violation in reached),
        table.seconds(ours.seconds),
        more + table.seconds(theirs.seconds),
        more + table.ratio(theirs.seconds / ours.seconds),
    )
    return table.row(cells, _WIDTHS, left=2)


def _print_notes() -> None:
    print(f"""
logistic   the mean logistic loss with |w| = 1 and five linear equations of w.
plate      heat a square plate to a ring: temperature and heat source at each point of a grid, tied
           by -Laplace u = z, or by -Laplace u + 1000 u^3 = z where it radiates.
n x m      unknowns and equations.
violation  norm of the gradient of the Lagrangian and of the equations together: computed from the
           solution by one numpy function for both. ">": not {TARGET:.0e} after {PATIENCE:.0f} s, \
or as far as it got.
time       wall clock of one call; the best of three where it is below {SHORT:g} s.
""")
