"""The options of the network command; their help is the documentation."""

import argparse
from typing import Any

from cycloid._cli.converters import integer, output_file, real

_DESCRIPTION = """\
Train a two-layer ReLU network f(x) = sum_j max(x . u_j + b_j, 0) a_j + c of any width:

  mean_i loss(f(x_i), y_i)  +  alpha / 2 * sum_j (|u_j|^2 + b_j^2 + |a_j|^2)

as a sequence of convex programs, with a bound on the distance from the global optimum.
Classes (names, or at most 20 whole numbers): the logistic loss, or the cross-entropy of all.
Numbers: the squared loss, of the target in units of its standard deviation.
Features are standardized first, unless --raw; so is the target of --radius.
"""

_EPILOG = """\
examples:
  python -m cycloid relu data.csv --target price --test 0.3
  python -m cycloid relu data.csv --target diagnosis --alpha 0.003 --save network.json
  python -m cycloid relu data.npz --loss hinge --radius 0.1 --test 0.3

files: as for `lasso`; see python -m cycloid lasso --help.

saved files, with the network for the features as they are in the file:
  .npz   hidden_coef (p, m), hidden_intercept (m,), output_coef (m, k), output_intercept (k,),
         feature_names, classes, and the numbers of the summary.
  .json  the same.
  .onnx  the network alone, from X to its outputs (needs the package onnx).

The lower bound is of the objective over networks of any width; with --radius, over the activation
patterns used. Where it is called heuristic it holds if the search for the most violated neuron
found it.

Exit code: 0 the gap reached the tolerance; 1 stopped before (the network so far is printed and
saved); 2 a mistake in the options or the file, told in one line.
"""


def add_network(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command ``relu``."""
    sub = commands.add_parser(
        "relu",
        help="a two-layer ReLU network with a bound on its distance from the optimum",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    sub.add_argument("file", metavar="FILE", help="data: .npz, .csv, .tsv or .svm")
    _add_data(sub)
    _add_model(sub)
    _add_solver(sub)
    output = sub.add_argument_group("output")
    output.add_argument(
        "--save", metavar="OUT", type=output_file, help="save the network: .npz, .json or .onnx"
    )
    output.add_argument("--verbose", action="count", default=0, help="print a line a round")


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
        "--task",
        choices=("auto", "classify", "regress"),
        default="auto",
        help="what the target is (default: classes where it holds names or at most 20 whole "
        "numbers)",
    )
    data.add_argument(
        "--test",
        type=real(0, 1),
        metavar="S",
        default=0.0,
        help="hold out this share of the samples and print the score on them",
    )
    data.add_argument(
        "--raw", action="store_true", help="take the features as they are in the file"
    )


def _add_model(sub: argparse.ArgumentParser) -> None:
    model = sub.add_argument_group("model")
    model.add_argument(
        "--alpha",
        type=real(0, open_low=True),
        metavar="A",
        help="strength of the penalty (default: 3 / samples, at most 0.01)",
    )
    model.add_argument(
        "--loss",
        metavar="L",
        help="classes: log_loss (default), hinge, squared_hinge; "
        "numbers: squared_error (default), huber, quantile",
    )
    model.add_argument(
        "--patterns",
        choices=("refined", "random", "all"),
        default="refined",
        help="where activation patterns come from; all: the proved optimum of few samples or "
        "features (default: %(default)s)",
    )
    model.add_argument(
        "--radius",
        type=real(0),
        metavar="R",
        default=0.0,
        help="train against features that move by up to R (standardized ones, unless --raw)",
    )
    model.add_argument(
        "--norm",
        choices=("linf", "l2"),
        default="linf",
        help="the norm of --radius (default: %(default)s)",
    )


def _add_solver(sub: argparse.ArgumentParser) -> None:
    solver = sub.add_argument_group("solver")
    solver.add_argument(
        "--tol",
        type=real(0, open_low=True),
        metavar="T",
        default=1e-2,
        help="stop at this gap, relative to the objective (default: %(default)s)",
    )
    solver.add_argument(
        "--max-iter",
        type=integer(1),
        metavar="M",
        default=30,
        help="limit on rounds (default: %(default)s)",
    )
    solver.add_argument(
        "--time-limit",
        type=real(0, open_low=True),
        metavar="S",
        help="stop after S seconds with the best network so far",
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
