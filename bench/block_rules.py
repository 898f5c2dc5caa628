"""The experiments of the paper on block coordinate descent: rules by iterations and by seconds.

Nutini, Laradji & Schmidt, "Let's Make Block Coordinate Descent Converge Faster", JMLR 23(131),
2022, section 7, on our own generators::

    python -m bench.block_rules                    # the paper's sizes, 500 iterations
    python -m bench.block_rules --scale 0.1 A L1   # a tenth of the size, two of the experiments
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from cycloid.optimize import (
    BlockDescentResult,
    LeastSquares,
    Logistic,
    Quadratic,
    Softmax,
    block_coordinate_descent,
)


class Experiment(NamedTuple):
    problem: LeastSquares | Logistic | Softmax | Quadratic
    infimum: float  # of the objective
    runs: dict[str, dict[str, Any]]  # arguments of `block_coordinate_descent` by label


# ----------------------------------------------------------------------------------- generators


def design(n_samples: int, n_features: int, rng: np.random.Generator) -> sparse.csc_array:
    """Columns of sizes that vary much, about 10 log(n_samples) stored values each."""
    values = (rng.standard_normal((n_samples, n_features)) + 1) * (
        10 * rng.standard_normal(n_features)
    )
    share = min(1.0, 10 * np.log(n_samples) / n_samples)
    return sparse.csc_array(values * (rng.random(values.shape) < share))


def planted(n_features: int, rng: np.random.Generator, *more: int) -> np.ndarray:
    w = rng.standard_normal((n_features, *more))
    return np.where(rng.random(w.shape) < 0.1, w, 0.0)


def least_squares(scale: float, **terms: Any) -> LeastSquares:
    rng = np.random.default_rng(0)
    A = design(round(1000 * scale), round(10_000 * scale), rng)
    target = A @ planted(A.shape[1], rng) + rng.standard_normal(A.shape[0])
    return LeastSquares(A, target, **terms)


def logistic(scale: float) -> Logistic:
    rng = np.random.default_rng(1)
    A = design(round(1000 * scale), round(10_000 * scale), rng)
    signs = np.sign(A @ planted(A.shape[1], rng))
    signs[signs == 0] = 1
    return Logistic(A, np.where(rng.random(len(signs)) < 0.1, -signs, signs))


def softmax(scale: float) -> Softmax:
    rng = np.random.default_rng(2)
    A = design(round(1000 * scale), round(1000 * scale), rng)
    scores = A @ planted(A.shape[1], rng, max(3, round(50 * scale)))
    return Softmax(A, np.argmax(scores + rng.standard_normal(scores.shape), axis=1))


def harmonic(W: sparse.csr_array, labelled: np.ndarray, values: np.ndarray) -> Quadratic:
    """The field on the unlabelled nodes of the smallest energy sum_ij W_ij (x_i - x_j)^2 / 4."""
    laplacian = sparse.csr_array(sparse.diags_array(W.sum(axis=1)) - W)
    free = np.setdiff1d(np.arange(W.shape[0]), labelled)
    b = -(laplacian[free][:, labelled] @ values)
    return Quadratic(sparse.csc_array(laplacian[free][:, free]), b)


def lattice(scale: float) -> Quadratic:
    rng = np.random.default_rng(3)
    side = round(50 * np.sqrt(scale))
    path = sparse.diags_array([1.0, 1.0], offsets=(-1, 1), shape=(side, side))
    identity = sparse.eye_array(side)
    W = sparse.csr_array(1e5 * (sparse.kron(path, identity) + sparse.kron(identity, path)))
    labelled = rng.choice(side * side, round(100 * scale), replace=False)
    return harmonic(W, labelled, 10 * rng.standard_normal(len(labelled)))


def two_moons(scale: float) -> Quadratic:
    from sklearn.datasets import make_moons
    from sklearn.neighbors import kneighbors_graph

    points, classes = make_moons(round(2000 * scale), noise=0.1, random_state=0)
    graph = kneighbors_graph(points, 5)
    W = sparse.csr_array(graph.maximum(graph.T))
    labelled = np.random.default_rng(4).choice(len(points), round(100 * scale), replace=False)
    return harmonic(W, labelled, 2.0 * classes[labelled] - 1)


# ---------------------------------------------------------------------------------- experiments


def rules(
    selections: tuple[str, ...], partition: str, update: str, block_size: int
) -> dict[str, dict[str, Any]]:
    return {
        f"{selection} {partition} {update} {block_size}": {
            "selection": selection,
            "partition": partition,
            "update": update,
            "block_size": block_size,
        }
        for selection in selections
    }


FIXED = ("random", "cyclic", "lipschitz", "gs", "gsl")
VARIABLE = ("random", "gs", "gsl")


def data(name: str, scale: float) -> Experiment:
    """A, B, C: least squares, logistic and softmax, whose infimum is zero."""
    problem = {"A": least_squares, "B": logistic, "C": softmax}[name](scale)
    runs = rules(FIXED, "sort", "gradient", 5) | rules(VARIABLE, "variable", "gradient", 5)
    runs |= rules(("gsl",), "variable", "backtracking", 50)
    runs |= rules(("gs", "gsl", "gsd", "gsq"), "sort", "matrix", 5)
    for size in (5, 50):
        runs |= rules(("gs", "gsl", "gsd", "gsq"), "variable", "matrix", size)
    if name != "A":
        runs |= rules(("gs", "gsl", "gsd", "gsq"), "variable", "newton", 100)
    return Experiment(problem, 0.0, runs)


def graph(name: str, scale: float) -> Experiment:
    """D, E: fields on a lattice and on two moons, with exact updates of blocks of equal cost."""
    problem = {"D": lattice, "E": two_moons}[name](scale)
    A = sparse.csc_array(problem.A)
    infimum = -0.5 * problem.b @ sparse.linalg.spsolve(A, problem.b)
    runs = rules(("gs",), "variable", "matrix", round(A.shape[0] ** (1 / 3)))
    exact = {"update": "matrix"}
    for partition in ("red-black", "forests"):
        runs[f"cyclic {partition}"] = exact | {"partition": partition, "selection": "cyclic"}
    for selection in ("random", "gs", "gsl", "gsd"):
        runs[f"{selection} greedy-forest"] = exact | {
            "partition": "greedy-forest",
            "selection": selection,
        }
    return Experiment(problem, infimum, runs)


def nonnegative(name: str, scale: float) -> Experiment:
    """A with an L1 penalty and x >= 0."""
    problem = least_squares(scale, l1=50_000.0 * scale, lower=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        best = block_coordinate_descent(problem, block_size=100, rtol=0, max_iter=2000)
    runs: dict[str, dict[str, Any]] = {}
    for size in (5, 50, 100):
        for update in ("gradient", "newton", "two-metric"):
            runs |= rules(("gsl-q",), "variable", update, size)
    for update in ("gradient", "newton", "two-metric"):
        runs |= rules(("gsl-q",), "sort", update, 50)
    return Experiment(problem, best.objective, runs)


EXPERIMENTS: dict[str, Callable[[str, float], Experiment]] = {
    "A": data,
    "B": data,
    "C": data,
    "D": graph,
    "E": graph,
    "L1": nonnegative,
}


def run(problem: Any, iterations: int, **rule: Any) -> BlockDescentResult:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return block_coordinate_descent(
            problem, rtol=1e-13, max_iter=iterations, n_threads=1, **rule
        )


def table(name: str, scale: float, iterations: int) -> Iterator[str]:
    experiment = EXPERIMENTS[name](name, scale)
    yield f"{name}: f - inf f after {iterations} iterations"
    for label, rule in experiment.runs.items():
        started = time.process_time()
        found = run(experiment.problem, iterations, **rule)
        seconds = time.process_time() - started
        gaps = found.trace["objective"] - experiment.infimum
        close = np.flatnonzero(gaps <= 1e-14 * gaps[0] + 1e-8)
        reached = f"{int(found.trace['iteration'][close[0]]):5}" if close.size else "    -"
        yield (
            f"  {label:36} {gaps[0]:9.2e} -> {gaps[-1]:9.2e}   {found.n_iter:4} iterations "
            f"(1e-8 after {reached})  {seconds:8.3f} s  {found.status.name}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(EXPERIMENTS), help="A B C D E L1")
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of samples")
    parser.add_argument("--iterations", type=int, default=500)
    arguments = parser.parse_args()
    for name in arguments.names:
        for line in table(name, arguments.scale, arguments.iterations):
            print(line, flush=True)


if __name__ == "__main__":
    main()
