"""The command line's options; their help is the documentation."""

import argparse
from typing import NoReturn

from cycloid._cli.converters import integer, output_file, real
from cycloid._cli.network_options import add_network
from cycloid._cli.newton_options import add_newton
from cycloid._cli.transport_options import add_transport

DEMO_PICTURE = "cycloid_paths.png"

_DESCRIPTION = """\
Sparse and constrained models, optimal transport and ReLU networks, solved with a certificate.

  python -m cycloid                         the demonstration on real data, beside scikit-learn
  python -m cycloid lasso FILE --cv 5       fit your own data; also enet, logistic
  python -m cycloid ot A B COSTS --reg 0.1  move masses at least cost; also between points
  python -m cycloid relu FILE --test 0.3    train a two-layer network to a known gap
  python -m cycloid newton FILE --norm 1    a logistic model whose coefficients satisfy equations
  python -m cycloid lasso --help            the kinds of files, and every option; so for each
"""

_PROBLEM = {
    "lasso": "mean_i (y_i - b - x_i . w)^2 / 2  +  alpha |w|_1",
    "enet": "mean_i (y_i - b - x_i . w)^2 / 2  +  alpha (r |w|_1 + (1 - r) |w|^2 / 2)",
    "logistic": "mean_i log(1 + exp(-y_i (b + x_i . w)))  +  alpha (r |w|_1 + (1 - r) |w|^2 / 2)",
}

_FILES = """\
files:
  .npz   X (n x p), or the parts of a CSR matrix data, indices, indptr, shape (also X_data, ...;
         what scipy.sparse.save_npz writes is understood, csc too); y (n,); optionally weights
         and feature_names (p,).
  .csv   Numbers separated by commas, semicolons or tabs (.tsv), with or without a header; quoted
         names may contain the separator. Every column but the target and the weights is a
         feature. Features without names are called x[0], x[1], ...
  .svm   svmlight / libsvm text (.svmlight, .libsvm; also .svm.gz, .svm.bz2).

  Missing values, NaN and text in a feature are errors that name the column and the line.

saved files:
  .npz   alphas (k,), coefs (p, k), intercepts, gaps, objectives, explained, statuses,
         feature_names, reported (index of the solution printed), classes, held_out_losses.
  .csv   alpha, feature, coefficient: a row for each coefficient that is not zero, and one for
         the intercept. After --cv only the chosen alpha.
  .json  the problem and all solutions with their certificates.

The gap is a certificate: no coefficients have an objective that is lower by more than it.
Coefficients are those of the features as they are in the file, also after --standardize.

Exit code: 0 solved to the tolerance; 1 stopped before (the result so far is printed and saved);
2 a mistake in the options or the file, told in one line.
"""

_EXAMPLES = {
    "lasso": """\
examples:
  python -m cycloid lasso data.csv --target price --cv 5 --standardize --save model.json
  python -m cycloid lasso data.npz --alpha 0.1 --positive
  python -m cycloid lasso data.svm --path 50 --plot path.png --save path.npz
""",
    "enet": """\
examples:
  python -m cycloid enet data.csv --target price --l1-ratio 0.9 --cv 10
  python -m cycloid enet data.npz --alpha 0.1 --l1-ratio 0
""",
    "logistic": """\
examples:
  python -m cycloid logistic data.csv --target diagnosis --cv 5 --standardize
  python -m cycloid logistic data.svm --path 30 --l1-ratio 0.5 --plot path.png
""",
}


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser() -> _Parser:
    """Return the parser of ``python -m cycloid``."""
    main = _Parser(
        prog="python -m cycloid",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    main.add_argument("--version", action="store_true", help="print the version and exit")
    commands = main.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _add_demo(commands)
    _add_model(commands, "lasso", "least squares with an L1 penalty")
    _add_model(commands, "enet", "least squares with L1 and L2 penalties (elastic net)")
    _add_model(commands, "logistic", "two-class logistic regression with L1 and L2 penalties")
    add_transport(commands)
    add_network(commands)
    add_newton(commands)
    return main


def _add_demo(commands: "argparse._SubParsersAction[_Parser]") -> None:
    demo = commands.add_parser(
        "demo",
        help="the demonstration on real data (what runs without a command)",
        description="Solve sparse problems made from scikit-learn's own data sets, beside "
        "scikit-learn and to the same duality gap, transport problems beside Sinkhorn's "
        "algorithm, and constrained ones beside SciPy's trust-constr; print "
        "tables, draw the paths and a photograph in the colours of another.",
        allow_abbrev=False,
    )
    demo.add_argument(
        "--plot",
        metavar="OUT",
        default=DEMO_PICTURE,
        type=output_file,
        help="picture to write: .png, .pdf or .svg (default: %(default)s); the photographs go "
        "beside it, into a file with _colors in its name",
    )
    demo.add_argument(
        "--no-plot", dest="plot", action="store_const", const=None, help="write no pictures"
    )
    demo.add_argument(
        "--threads",
        type=integer(1),
        metavar="T",
        help="threads for both libraries (default: all CPUs)",
    )


def _add_model(commands: "argparse._SubParsersAction[_Parser]", model: str, what: str) -> None:
    note = "\n  y_i is +1 for the class whose label sorts last." if model == "logistic" else ""
    ratio = "" if model == "lasso" else "\n  r is --l1-ratio."
    sub = commands.add_parser(
        model,
        help=what,
        description=f"Minimise over w, and over b unless --no-intercept,\n\n  {_PROBLEM[model]}\n"
        f"{ratio}{note}\n  With --weights the mean is a weighted one.",
        epilog=_EXAMPLES[model] + "\n" + _FILES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    sub.add_argument("file", metavar="FILE", help="data: .npz, .csv, .tsv or .svm (see below)")
    _add_data_options(sub)
    _add_penalty_options(sub, model)
    _add_solver_options(sub)
    _add_output_options(sub)


def _add_data_options(sub: argparse.ArgumentParser) -> None:
    data = sub.add_argument_group("data")
    data.add_argument(
        "--target",
        metavar="COLUMN",
        help="csv: name or index of the target (default: the column y or target, "
        "else the last); npz: its key (default: y)",
    )
    data.add_argument(
        "--weights",
        metavar="COLUMN",
        help="csv: name or index of a column of sample weights; npz: their key",
    )
    data.add_argument(
        "--drop",
        metavar="COLUMN",
        action="append",
        default=[],
        help="feature to leave out, by name or index; may be repeated",
    )
    data.add_argument(
        "--standardize",
        action="store_true",
        help="divide each feature by its standard deviation before solving, so "
        "that the penalty treats all alike",
    )


def _add_penalty_options(sub: argparse.ArgumentParser, model: str) -> None:
    penalty = sub.add_argument_group("penalty")
    strength = penalty.add_mutually_exclusive_group()
    strength.add_argument("--alpha", type=real(0), metavar="A", help="solve at this strength")
    strength.add_argument(
        "--cv",
        type=integer(2),
        metavar="K",
        default=0,
        help="choose alpha on a path by K-fold cross-validation",
    )
    penalty.add_argument(
        "--path",
        type=integer(1),
        metavar="N",
        help="solve a path of N strengths, from the smallest alpha with all "
        "coefficients zero (alpha_max) down (default without --alpha: 100)",
    )
    penalty.add_argument(
        "--eps",
        type=real(0, 1, open_low=True),
        metavar="E",
        default=1e-3,
        help="last alpha of a path / alpha_max (default: %(default)s)",
    )
    if model != "lasso":
        penalty.add_argument(
            "--l1-ratio",
            type=real(0, 1),
            metavar="R",
            default=0.5 if model == "enet" else 1.0,
            help="share of the L1 penalty (default: %(default)s)",
        )
    penalty.add_argument("--no-intercept", action="store_true", help="fit none; b = 0")
    penalty.add_argument("--positive", action="store_true", help="only coefficients >= 0")


def _add_solver_options(sub: argparse.ArgumentParser) -> None:
    solver = sub.add_argument_group("solver")
    solver.add_argument(
        "--tol",
        type=real(0),
        metavar="T",
        default=1e-8,
        help="stop at this duality gap, relative to the objective of the null "
        "model (default: %(default)s)",
    )
    solver.add_argument(
        "--max-iter",
        type=integer(1),
        metavar="M",
        default=1000,
        help="limit on outer iterations an alpha (default: %(default)s)",
    )
    solver.add_argument(
        "--time-limit",
        type=real(0, open_low=True),
        metavar="S",
        help="stop a path after S seconds with what is reached; --cv has one "
        "path for all samples and, for logistic, one for each fold",
    )
    solver.add_argument(
        "--seed",
        type=integer(0),
        metavar="I",
        default=0,
        help="seed that shuffles the samples into folds (default: %(default)s)",
    )
    solver.add_argument(
        "--threads",
        type=integer(1),
        metavar="T",
        help="threads to use (default: all CPUs); the result does not depend on it",
    )


def _add_output_options(sub: argparse.ArgumentParser) -> None:
    output = sub.add_argument_group("output")
    output.add_argument(
        "--save", metavar="OUT", type=output_file, help="save the solutions: .npz, .csv or .json"
    )
    output.add_argument(
        "--plot",
        metavar="OUT",
        type=output_file,
        help="draw the path, or one solution's largest coefficients: .png, .pdf "
        "or .svg (needs matplotlib)",
    )
    output.add_argument(
        "--top",
        type=integer(0),
        metavar="N",
        default=20,
        help="how many coefficients to print (default: %(default)s)",
    )
    output.add_argument(
        "--verbose",
        action="count",
        default=0,
        help="print a line an alpha; twice: a line an iteration",
    )
