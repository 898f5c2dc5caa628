"""The demonstration's second part: optimal transport beside Sinkhorn's algorithm in NumPy."""

import os
import time
import warnings
from collections.abc import Callable
from functools import partial

from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from cycloid._cli import cases_transport, plain_transport, table
from cycloid._cli.cases_transport import TransportCase
from cycloid._cli.peer import SHORT, best_of_three
from cycloid._cli.plain_transport import Potentials, marginal_error
from cycloid._cli.plot import photographs
from cycloid.ot import SinkhornTransport, solve

TARGET = 1e-9  # L1 error of both marginals
PATIENCE = 2.0  # seconds for NumPy on one problem

_WIDTHS = (18, 11, 5, 8, 8, 8, 8, 8, 8, 6)
_STRENGTHS = (1e-1, 1e-2, 1e-3)  # of the picture, relative to the median cost


def run(threads: int) -> None:
    """Run every case and print the table as it grows."""
    _print_heading(threads)
    for case in cases_transport.demonstration():
        ours = _best(partial(_cycloid, case, threads))
        with threadpool_limits(threads):
            theirs = _best(partial(plain_transport.sinkhorn, case.M, case.reg, TARGET, PATIENCE))
        print(_line(case, ours, theirs), flush=True)
    _print_notes()


def picture(path: str, threads: int) -> str:
    """Draw a photograph in the colours of another; return the file's name."""
    source, target = cases_transport.photographs()
    some, others = cases_transport.sample(source), cases_transport.sample(target)
    images = {"source": source, "target": target}
    for strength in _STRENGTHS:
        model = SinkhornTransport(strength, norm="median", n_threads=threads)
        model.fit(some, Xt=others)
        moved = model.transform(source.reshape(-1, 3)).clip(0, 1)
        images[f"recoloured, reg {strength:g}"] = moved.reshape(source.shape)
    stem, suffix = os.path.splitext(path)
    name = f"{stem}_colors{suffix}"
    photographs(images, name)
    return name


def _best(solve_once: Callable[[], Potentials]) -> Potentials:
    return best_of_three(solve_once, solve_once())


def _cycloid(case: TransportCase, threads: int) -> Potentials:
    started = time.perf_counter()
    with warnings.catch_warnings():
        # What was reached is measured below, for both.
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = solve(None, None, case.M, case.reg, tol=TARGET, n_threads=threads)
    return Potentials(result.f, result.g, result.n_passes, time.perf_counter() - started)


def _print_heading(threads: int) -> None:
    print("Entropic optimal transport, beside Sinkhorn's algorithm in NumPy, "
          f"{threads} thread{'s' if threads > 1 else ''} each,")  # fmt: skip
    print(f"both to a marginal error of {TARGET:.0e}.")
    print()
    left = sum(_WIDTHS[:3]) + 3
    print(f"{'':{left}}{'marginal error':^17} {'passes':^17} {'time':^17}  times")
    names = ("cycloid", "NumPy")
    print(table.row(("problem", "n x m", "reg", *names * 3, "faster"), _WIDTHS, left=1))
    print(table.rule(_WIDTHS))


def _line(case: TransportCase, ours: Potentials, theirs: Potentials) -> str:
    n, m = case.M.shape
    errors = [marginal_error(side.f, side.g, case.M, case.reg) for side in (ours, theirs)]
    # Its own error, at which it stops, differs from the one measured here by rounding.
    more = ">" if errors[1] > 1.01 * TARGET else ""
    cells = (
        case.title,
        f"{n} x {m}",
        f"{case.share:g}",
        *(f"{error:.0e}" for error in errors),
        f"{ours.n_passes:,}",
        f"{theirs.n_passes:,}",
        table.seconds(ours.seconds),
        more + table.seconds(theirs.seconds),
        more + table.ratio(theirs.seconds / ours.seconds),
    )
    return table.row(cells, _WIDTHS, left=1)


def _print_notes() -> None:
    print(f"""
digits   squared distances between every second image of scikit-learn's digits and the others.
colours  squared distances between pixels of two photographs: red, green and blue.
reg      strength of the entropy, relative to the median cost.
error    L1 distance of both marginals of the dense plan from what they should be, a share of the
         mass: computed from the potentials by one numpy function for both.
passes   over all n x m entries. NumPy: two an iteration.
NumPy    scaling vectors where exp(-cost / reg) does not underflow, else the log domain.
         ">": not there after {PATIENCE:.0f} s; the error is what it had reached.
time     wall clock of one call; the best of three where it is below {SHORT:g} s.
""")
