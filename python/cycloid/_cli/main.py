"""``main(argv)``: from a command line to an exit code."""

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cycloid._cli.errors import InputError
from cycloid._cli.options import parser

if TYPE_CHECKING:
    from cycloid._cli.fit import Request

_WARNINGS = 3  # shown; each fold of a cross-validation may give one


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what they mean stands in the help."""
    command = parser()
    options = command.parse_args(argv)
    try:
        if options.version:
            from cycloid import __version__

            print(f"cycloid {__version__}")
            return 0
        if options.command is None:
            options = command.parse_args(["demo"])
        code = _demo(options) if options.command == "demo" else _fit(options)
        sys.stdout.flush()  # a closed pipe shows here rather than at exit
        return code
    except InputError as error:
        print(f"{command.prog}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe, such as head, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _demo(options: argparse.Namespace) -> int:
    from cycloid._cli import demo

    _check_picture(options.plot, required=False)
    return demo.run(options.plot, options.threads)


def _fit(options: argparse.Namespace) -> int:
    # numpy, scipy and scikit-learn load only now: --help and a typing error answer at once.
    from cycloid._cli import fit, read, report
    from cycloid._cli.plot import picture

    request = _request(options)
    _check_save(options.save)
    _check_picture(options.plot, required=True)
    started = time.perf_counter()
    dataset = read.read(
        options.file, target=options.target, weights=options.weights, drop=options.drop
    )
    reading = time.perf_counter() - started
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = fit.fit(dataset, request)
        except (ValueError, TypeError) as error:
            message = " ".join(str(error).split())
            raise InputError(f"{options.file}: {message}") from error
    _show(caught)
    print(report.summary(dataset, result, top=options.top, reading=reading))
    if options.save is not None:
        _write("--save", options.save, lambda: report.save(options.save, dataset, result))
        print(f"saved: {options.save}")
    if options.plot is not None:
        _write(
            "--plot", options.plot, lambda: picture([report.panel(dataset, result)], options.plot)
        )
        print(f"picture: {options.plot}")
    return 0 if result.complete else 1


def _request(options: argparse.Namespace) -> "Request":
    from cycloid._cli.fit import Request

    if options.alpha is not None and options.path is not None:
        raise InputError("--alpha and --path exclude each other")
    l1_ratio = 1.0 if options.command == "lasso" else options.l1_ratio
    if options.alpha is None and l1_ratio == 0:
        raise InputError("--l1-ratio 0 needs --alpha: without an L1 penalty no path can start at 0")
    return Request(
        model=options.command,
        alpha=options.alpha,
        n_alphas=100 if options.path is None else options.path,
        eps=options.eps,
        folds=options.cv,
        l1_ratio=l1_ratio,
        fit_intercept=not options.no_intercept,
        positive=options.positive,
        standardize=options.standardize,
        rtol=options.tol,
        max_iter=options.max_iter,
        time_limit=options.time_limit,
        seed=options.seed,
        n_threads=options.threads,
        verbose=options.verbose,
    )


def _check_save(path: str | None) -> None:
    from cycloid._cli.report import SAVE_SUFFIXES

    _check_output("--save", path, SAVE_SUFFIXES)


def _check_picture(path: str | None, *, required: bool) -> None:
    """Fail before the solve rather than after it."""
    from cycloid._cli.plot import SUFFIXES, missing

    _check_output("--plot", path, SUFFIXES)
    reason = missing()
    if required and path is not None and reason is not None:
        raise InputError(f"--plot: {reason}")


def _check_output(option: str, path: str | None, suffixes: Sequence[str]) -> None:
    if path is None:
        return
    if not path.lower().endswith(tuple(suffixes)):
        raise InputError(f"{option} {path}: the name must end in {', '.join(suffixes)}")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise InputError(f"{option} {path}: no folder '{folder}'")
    if os.path.isdir(path) or not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise InputError(f"{option} {path}: cannot be written")


def _write(option: str, path: str, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        raise InputError(f"{option} {path}: {error.strerror or error}") from error


def _show(caught: Sequence[warnings.WarningMessage]) -> None:
    texts = list(dict.fromkeys(str(warning.message) for warning in caught))
    for text in texts[:_WARNINGS]:
        print(f"warning: {text}", file=sys.stderr)
    if len(texts) > _WARNINGS:
        print(f"warning: {len(texts) - _WARNINGS} more like these", file=sys.stderr)
