"""The demonstration: cycloid beside scikit-learn on real data, to the same duality gap.

Its second part, optimal transport, is in `demo_transport`, the third, equality constraints, in
`demo_newton`.
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import sklearn

import cycloid
from cycloid import _core
from cycloid._cli import demo_newton, demo_transport, table
from cycloid._cli.cases import Case, demonstration
from cycloid._cli.certificate import relative_gap
from cycloid._cli.peer import SHORT, Peer, Solution, best_of_three, timed
from cycloid._cli.plot import Panel, missing, picture
from cycloid._inputs import thread_count
from cycloid.linear_model import LassoCV, enet_path, logistic_path

TARGET = 1e-6  # relative duality gap
PATIENCE = 8.0  # seconds for all tolerances of scikit-learn on one problem

_WIDTHS = (22, 19, 10, 7, 7, 7, 7, 6, 7)


@dataclass(frozen=True)
class Measured:
    """A solution and the largest relative gap along it; ``capped``: time ran out before TARGET."""

    solution: Solution
    gap: float
    capped: bool = False

    @property
    def support(self) -> int:
        """Number of non-zero coefficients at the last, smallest alpha."""
        return int(np.count_nonzero(self.solution.coefs[:, -1]))


def run(plot: str | None, n_threads: int | None) -> int:
    """Run every case, print the tables as they grow, then write the pictures."""
    threads = thread_count(n_threads)
    started = time.perf_counter()
    peer = Peer(threads)
    drawn = []
    try:
        peer.start()  # it imports scikit-learn while the problems are made
        _print_heading(threads)
        for case in demonstration():
            ours = _cycloid(case, threads)
            print(_line(case, ours, _scikit_learn(case, peer)), flush=True)
            if case.drawn:
                drawn.append(_panel(case, ours.solution))
    finally:
        peer.stop()
    _print_notes()
    demo_transport.run(threads)
    demo_newton.run(threads)
    print(f"time in all: {time.perf_counter() - started:.0f} s")
    if plot is not None:
        reason = missing()
        if reason is None:
            picture(drawn, plot)
            print(f"picture: {os.path.abspath(plot)}")
            print(f"picture: {os.path.abspath(demo_transport.picture(plot, threads))}")
        else:
            print(f"no picture: {reason}", file=sys.stderr)
    return 0


def _cycloid(case: Case, threads: int) -> Measured:
    solve = partial(timed, partial(_solve, case, threads))
    solution = best_of_three(solve, solve())
    return Measured(solution, _largest_gap(case, solution))


def _solve(case: Case, threads: int) -> Solution:
    problem = case.problem
    if case.folds:
        model = LassoCV(
            alphas=case.alphas,
            cv=case.folds,
            fit_intercept=problem.fit_intercept,
            tol=TARGET / 2,  # scikit-learn's unit: twice the null objective
            n_jobs=threads,
            n_threads=threads,
        ).fit(problem.X, problem.y)
        return Solution(
            np.array([model.alpha_]), model.coef_[:, None], np.array([model.intercept_]), np.nan
        )
    solve = enet_path if problem.loss == "squared" else logistic_path
    path = solve(
        problem.X,
        problem.y,
        l1_ratio=problem.l1_ratio,
        alphas=case.alphas,
        fit_intercept=problem.fit_intercept,
        rtol=TARGET,
        n_threads=threads,
    )
    return Solution(path.alphas, path.coefs, path.intercepts, np.nan)


def _scikit_learn(case: Case, peer: Peer) -> Measured:
    """Tighten scikit-learn's tolerance until its gap reaches TARGET or the time is over.

    The time is that of the run that got there alone. If none did it is that of all of them.
    """
    peer.load(case)
    started = time.perf_counter()
    best = np.inf
    spent = 0.0
    for tol in _tolerances(case):
        solve = partial(peer.solve, tol)
        solution = solve(PATIENCE - spent)
        spent = min(time.perf_counter() - started, PATIENCE)
        if solution is None:
            break
        gap = _largest_gap(case, solution)
        if gap <= TARGET:
            return Measured(best_of_three(partial(solve, PATIENCE), solution), gap)
        best = min(best, gap)
    nothing = np.zeros((0, 0))
    return Measured(Solution(nothing, nothing, nothing, spent), best, capped=True)


def _tolerances(case: Case) -> Iterator[float]:
    """scikit-learn's ``tol``, from a value that is not too tight on, in steps of sqrt(10)."""
    if case.estimator == "liblinear":
        first = 1e-8  # relative to the first violation of optimality; 1e-7 reaches 1e-5 here
    elif case.estimator == "saga":
        first = 1e-2  # relative change of the coefficients
    elif case.problem.l1_ratio < 1:
        first = 3e-4  # its own bound of the gap is loose for the elastic net
    else:
        first = TARGET / 2  # exactly the gap that is asked for
    return (first * 10 ** (-step / 2) for step in range(12))


def _largest_gap(case: Case, solution: Solution) -> float:
    return max(
        relative_gap(case.problem, alpha, coef, intercept)
        for alpha, coef, intercept in zip(
            solution.alphas, solution.coefs.T, solution.intercepts, strict=True
        )
    )


# ---------------------------------------------------------------------------------------------
# the table


def _print_heading(threads: int) -> None:
    print(
        f"cycloid {cycloid.__version__} (CPU level {_core.level}) beside scikit-learn "
        f"{sklearn.__version__}, {threads} thread{'s' if threads > 1 else ''} each,"
    )
    print(f"both to a relative duality gap of {TARGET:.0e}, on data that scikit-learn ships.")
    print()
    left = sum(_WIDTHS[:3]) + 3
    print(f"{'':{left}}{'duality gap':^15} {'time':^15}  times")
    names = ("cycloid", "sklearn")
    heads = ("problem", "data", "n x p", *names, *names, "faster", "support")
    print(table.row(heads, _WIDTHS, left=2))
    print(table.rule(_WIDTHS))


def _line(case: Case, ours: Measured, theirs: Measured) -> str:
    n, p = case.problem.X.shape
    more = ">" if theirs.capped else ""
    cells = (
        case.title,
        case.data,
        f"{n} x {p}",
        _gap(ours.gap),
        _gap(theirs.gap),
        table.seconds(ours.solution.seconds),
        more + table.seconds(theirs.solution.seconds),
        more + table.ratio(theirs.solution.seconds / ours.solution.seconds),
        str(ours.support),
    )
    return table.row(cells, _WIDTHS, left=2)


def _gap(value: float) -> str:
    """A gap, "-" if none was measured; rounding errors can make it a little negative."""
    return f"{max(value, 0.0):.0e}" if np.isfinite(value) else "-"


def _print_notes() -> None:
    print(f"""
order    the features are all products of up to so many of the set's own, standardised.
gap      largest along the path of (primal - dual) / objective of the null model: computed from
         the coefficients by one numpy function for both. Nothing better exists by more than it.
time     wall clock of one call; the best of three where it is below {SHORT:g} s.
sklearn  the loosest of its tolerances, in steps of sqrt(10), that reaches the target. ">": none
         did within {PATIENCE:.0f} s in all; the gap is the best that a finished run reached.
         Logistic: liblinear, since it is the faster; it would penalise an intercept, so with an
         intercept saga. liblinear has no warm start: its path is one fit after the other.
support  coefficients that are not zero, at the smallest alpha.
""")


def _panel(case: Case, solution: Solution) -> Panel:
    n, p = case.problem.X.shape
    return Panel(
        title=f"{case.title}: {case.data} ({n:,} x {p:,})",
        alphas=solution.alphas,
        coefs=solution.coefs,
        names=case.names,
    )
