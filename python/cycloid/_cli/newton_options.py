"""The options of the newton command; their help is the documentation."""

import argparse
from typing import Any

from cycloid._cli.converters import integer, output_file, real

_DESCRIPTION = """\
Fit a logistic model whose coefficients satisfy equations exactly:

  minimise  mean_i log(1 + exp(-y_i (b + x_i . w)))  +  |w|^2 / (2 C n)
  subject to linear equations of w, |w| = R, or scores without covariance with a sensitive feature

y_i is +1 for the class whose label sorts last; more than two classes have a multinomial model, and
no equations. Newton's method with an exact augmented Lagrangian: the solution satisfies the
conditions of optimality to --tol.
"""

_EPILOG = """\
examples:
  python -m cycloid newton data.csv --target diagnosis --equation "age + bmi = 0" --norm 1
  python -m cycloid newton data.csv --target hired --fair gender --test 0.3
  python -m cycloid newton data.npz --equation "x[0] - x[1] = 0" -C 10 --save model.json

files: as for `lasso`; see python -m cycloid lasso --help.

saved files (.npz or .json): coef, intercept, feature_names, classes, multipliers (of the equations,
then of the norm), and the numbers of the summary.

Exit code: 0 the tolerance was reached; 1 stopped before (the model so far is printed and saved);
2 a mistake in the options or the file, told in one line.
"""


def add_newton(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command ``newton``."""
    sub = commands.add_parser(
        "newton",
        help="a logistic model whose coefficients satisfy equations, or a fair one",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    sub.add_argument("file", metavar="FILE", help="data: .npz, .csv, .tsv or .svm")
    _add_data(sub)
    _add_constraints(sub)
    _add_solver(sub)
    output = sub.add_argument_group("output")
    output.add_argument(
        "--save", metavar="OUT", type=output_file, help="save the model: .npz or .json"
    )
    output.add_argument("--verbose", action="count", default=0, help="print a line a step")


def _add_data(sub: argparse.ArgumentParser) -> None:
    data = sub.add_argument_group("data")
    data.add_argument("--target", metavar="COLUMN", help="csv: name or index; npz: its key")
    data.add_argument("--weights", metavar="COLUMN", help="sample weights, as --target")
    data.add_argument(
        "--drop",
        metavar="COLUMN",
        action="append",
        default=[],
        help="feature to leave out, by name or index; may be repeated",
    )
    data.add_argument(
        "--test",
        type=real(0, 1),
        metavar="S",
        default=0.0,
        help="hold out this share of the samples and print the accuracy on them",
    )


def _add_constraints(sub: argparse.ArgumentParser) -> None:
    model = sub.add_argument_group("model")
    model.add_argument(
        "--equation",
        metavar="E",
        action="append",
        default=[],
        help="a linear equation of coefficients, such as 'age + 2 * bmi = 0.5'; may be repeated",
    )
    model.add_argument(
        "--norm",
        type=real(0, open_low=True),
        metavar="R",
        help="the Euclidean norm of the coefficients",
    )
    model.add_argument(
        "--fair",
        metavar="COLUMN",
        action="append",
        default=[],
        help="a feature with which scores must not vary; may be repeated; no equations or norm "
        "beside it",
    )
    model.add_argument(
        "--criterion",
        choices=("demographic_parity", "equal_opportunity"),
        default="demographic_parity",
        help="of --fair: over all samples, or over those of the last class (default: %(default)s)",
    )
    model.add_argument(
        "-C",
        type=real(0, open_low=True),
        metavar="C",
        help="inverse strength of the L2 penalty (default: no penalty with --norm, else 1)",
    )
    model.add_argument("--no-intercept", action="store_true", help="fit no intercept")


def _add_solver(sub: argparse.ArgumentParser) -> None:
    solver = sub.add_argument_group("solver")
    solver.add_argument(
        "--tol",
        type=real(0, open_low=True),
        metavar="T",
        default=1e-8,
        help="stop at this violation of the conditions of optimality (default: %(default)s)",
    )
    solver.add_argument(
        "--max-iter",
        type=integer(1),
        metavar="M",
        default=200,
        help="limit on Newton steps (default: %(default)s)",
    )
    solver.add_argument(
        "--time-limit",
        type=real(0, open_low=True),
        metavar="S",
        help="stop after S seconds with the model so far",
    )
    solver.add_argument(
        "--seed", type=integer(0), metavar="I", default=0, help="seed (default: %(default)s)"
    )
    solver.add_argument(
        "--threads",
        type=integer(1),
        metavar="T",
        help="threads to use (default: all CPUs); the result does not depend on it",
    )
