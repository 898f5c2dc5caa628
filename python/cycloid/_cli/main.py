"""``main(argv)``: from a command line to an exit code."""

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from cycloid._cli.errors import InputError
from cycloid._cli.options import parser

if TYPE_CHECKING:
    from cycloid._cli.fit import Request

Solution = TypeVar("Solution")

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
        command_of = {"demo": _demo, "newton": _newton, "ot": _transport, "relu": _network}
        code = command_of.get(options.command, _fit)(options)
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
    _check_output("--save", options.save, report.SAVE_SUFFIXES)
    _check_picture(options.plot, required=True)
    started = time.perf_counter()
    dataset = read.read(
        options.file, target=options.target, weights=options.weights, drop=options.drop
    )
    reading = time.perf_counter() - started
    result = _solved(options.file, lambda: fit.fit(dataset, request))
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


def _transport(options: argparse.Namespace) -> int:
    from cycloid._cli import read_transport, transport

    points = _given_points(options)
    _check_output("--save", options.save, transport.SAVE_SUFFIXES)
    started = time.perf_counter()
    if points:
        cost = options.cost or "sqeuclidean"
        problem = _solved(
            f"{options.source}, {options.target}",
            lambda: read_transport.between_points(
                options.source, options.target, cost, options.weights, options.drop
            ),
        )
    else:
        problem = read_transport.costs_and_masses(options.files)
    reading = time.perf_counter() - started
    request = transport.Request(
        reg=options.reg,
        norm=options.norm,
        method=options.method,
        tol=options.tol,
        max_iter=options.max_iter,
        time_limit=options.time_limit,
        n_threads=options.threads,
        verbose=options.verbose,
    )
    solved = _solved(problem.source, lambda: transport.transport(problem, request))
    print(transport.summary(solved, reading=reading))
    if options.save is not None:
        _write("--save", options.save, lambda: transport.save(options.save, solved))
        print(f"saved: {options.save}")
    return 0 if solved.result.converged else 1


def _network(options: argparse.Namespace) -> int:
    from cycloid._cli import network, read

    _check_output("--save", options.save, network.SAVE_SUFFIXES)
    started = time.perf_counter()
    dataset = read.read(
        options.file, target=options.target, weights=options.weights, drop=options.drop
    )
    reading = time.perf_counter() - started
    request = network.Request(
        task=options.task,
        loss=options.loss,
        alpha=options.alpha,
        patterns=options.patterns,
        radius=options.radius,
        norm=options.norm,
        test=options.test,
        raw=options.raw,
        tol=options.tol,
        max_iter=options.max_iter,
        time_limit=options.time_limit,
        seed=options.seed,
        n_threads=options.threads,
        verbose=options.verbose,
    )
    trained = _solved(options.file, lambda: network.train(dataset, request))
    print(network.summary(dataset, trained, reading=reading))
    if options.save is not None:
        _write("--save", options.save, lambda: network.save(options.save, dataset, trained))
        print(f"saved: {options.save}")
    return 0 if trained.result.converged else 1


def _newton(options: argparse.Namespace) -> int:
    from cycloid._cli import newton, read

    _check_output("--save", options.save, newton.SAVE_SUFFIXES)
    started = time.perf_counter()
    dataset = read.read(
        options.file, target=options.target, weights=options.weights, drop=options.drop
    )
    reading = time.perf_counter() - started
    request = newton.Request(
        equations=tuple(options.equation),
        norm=options.norm,
        fair=tuple(options.fair),
        criterion=options.criterion,
        C=options.C,
        fit_intercept=not options.no_intercept,
        test=options.test,
        tol=options.tol,
        max_iter=options.max_iter,
        time_limit=options.time_limit,
        seed=options.seed,
        n_threads=options.threads,
        verbose=options.verbose,
    )
    fitted = _solved(options.file, lambda: newton.fit(dataset, request))
    print(newton.summary(dataset, fitted, reading=reading))
    if options.save is not None:
        _write("--save", options.save, lambda: newton.save(options.save, dataset, fitted))
        print(f"saved: {options.save}")
    return 0 if fitted.model.result_.converged else 1


def _given_points(options: argparse.Namespace) -> bool:
    """Whether the problem is one between points; an InputError if it is not clear."""
    points = options.source is not None and options.target is not None
    if not points and (options.source is not None or options.target is not None):
        raise InputError("--source and --target go together")
    if points and options.files:
        raise InputError(f"--source and --target leave no use for {options.files[0]}")
    if not points and len(options.files) not in (1, 3):
        raise InputError("give COSTS, or A B COSTS, or --source X --target Y")
    if not points and (options.cost or options.weights is not None or options.drop):
        raise InputError("--cost, --weights and --drop are about --source and --target")
    return points


def _solved(where: str, solve: Callable[[], Solution]) -> Solution:
    """What `solve` returns; its warnings go to the user, and what it refuses is an InputError."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            solution = solve()
        except (ValueError, TypeError) as error:
            raise InputError(f"{where}: {' '.join(str(error).split())}") from error
    _show(caught)
    return solution


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
