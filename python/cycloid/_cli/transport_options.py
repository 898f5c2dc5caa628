"""The options of the transport command; their help is the documentation."""

import argparse
from typing import Any

from cycloid._cli.converters import integer, output_file, real

_DESCRIPTION = """\
Minimise over plans P >= 0 with row sums a and column sums b

  sum_ij P_ij M_ij  +  reg sum_ij P_ij (log P_ij - 1)

for costs M from a file, or between the points of two files.
"""

_EPILOG = """\
examples:
  python -m cycloid ot a.npy b.npy M.npy --reg 0.01
  python -m cycloid ot M.csv --reg 0.05 --norm median --save plan.csv
  python -m cycloid ot --source X.npz --target Y.csv --reg 0.01 --cost euclidean --save plan.npz

files:
  costs, masses: .npy, .csv, .tsv, or .npz with an array M, a or b (or one array alone). A and B
         must have one total. COSTS alone: equal masses, unless it is an .npz with a and b.
  points, one a row: .npy; .npz with X (n x p) or the parts of a CSR matrix; .csv, .tsv: a column
         a coordinate; .svm (.svmlight, .libsvm, .gz, .bz2), its first field left out.
         Masses are equal, or those of --weights divided by their sum.

saved files:
  .npz   the plan as scipy.sparse.load_npz reads it, without entries below 1e-9 / max(n, m) of
         the mass (dropped: what they sum to); f (n,), g (m,), and the numbers of the table.
  .csv   row, column, mass: the entries of that plan, counted from 0.
  .json  the numbers of the table, f and g; null for a potential of no mass.

P_ij = exp((f_i + g_j - M_ij) / reg). The gap is a certificate, of the plan made exactly feasible.

Exit code: 0 solved to the tolerance; 1 stopped before (the result so far is printed and saved);
2 a mistake in the options or a file, told in one line.
"""


def add_transport(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command ``ot``."""
    sub = commands.add_parser(
        "ot",
        help="entropic optimal transport between histograms or sets of points",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        usage="%(prog)s [A B] COSTS --reg R [options]\n"
        "       %(prog)s --source X --target Y --reg R [options]",
    )
    sub.add_argument("files", metavar="FILE", nargs="*", help="COSTS, or A B COSTS (see below)")
    _add_points(sub)
    _add_solver(sub)
    output = sub.add_argument_group("output")
    output.add_argument(
        "--save",
        metavar="OUT",
        type=output_file,
        help="save plan and potentials: .npz, .csv or .json",
    )
    output.add_argument(
        "--verbose", action="count", default=0, help="print a line each reported iteration"
    )


def _add_points(sub: argparse.ArgumentParser) -> None:
    points = sub.add_argument_group("points")
    points.add_argument("--source", metavar="X", help="file of points that the mass leaves")
    points.add_argument("--target", metavar="Y", help="file of points that it goes to")
    points.add_argument(
        "--cost",
        # As cycloid.ot has them, which the help is not to import.
        choices=("sqeuclidean", "euclidean", "cityblock", "cosine"),
        help="of a unit of mass between two points (default: sqeuclidean)",
    )
    points.add_argument(
        "--weights", metavar="COLUMN", help="csv: column of masses, in both files; npz: their key"
    )
    points.add_argument(
        "--drop",
        metavar="COLUMN",
        action="append",
        default=[],
        help="column of both files that is no coordinate, by name or index; may be repeated",
    )


def _add_solver(sub: argparse.ArgumentParser) -> None:
    solver = sub.add_argument_group("solver")
    solver.add_argument(
        "--reg",
        type=real(0, open_low=True),
        metavar="R",
        required=True,
        help="strength of the entropy, in the unit of the costs",
    )
    solver.add_argument(
        "--norm",
        choices=("median", "max"),
        help="reg is a multiple of the median or the maximum of the costs",
    )
    solver.add_argument(
        "--method",
        choices=("auto", "sinkhorn", "sns"),
        default="auto",
        help="auto, plain scaling, or Sinkhorn-Newton-Sparse (default: %(default)s)",
    )
    solver.add_argument(
        "--tol",
        type=real(0, open_low=True),
        metavar="T",
        default=1e-9,
        help="stop at this L1 error of both marginals, a share of the mass (default: %(default)s)",
    )
    solver.add_argument(
        "--max-iter",
        type=integer(1),
        metavar="M",
        default=10_000,
        help="limit on scaling sweeps and Newton steps (default: %(default)s)",
    )
    solver.add_argument(
        "--time-limit",
        type=real(0, open_low=True),
        metavar="S",
        help="stop after S seconds with what is reached",
    )
    solver.add_argument(
        "--threads",
        type=integer(1),
        metavar="T",
        help="threads to use (default: all CPUs); the result does not depend on it",
    )
