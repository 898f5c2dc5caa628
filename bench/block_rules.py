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
from typing import Any

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

Rule = dict[str, Any]  # arguments of `block_coordinate_descent`

MAKERS: dict[str, Callable[[float], Any]] = {
    "A": least_squares,
    "B": logistic,
    "C": softmax,
    "D": lattice,
    "E": two_moons,
    "L1": lambda scale: least_squares(scale, l1=50_000.0 * scale, lower=0.0),
}


def rules(
    selections: tuple[str, ...], partition: str, update: str, block_size: int
) -> dict[str, Rule]:
    return {
        f"{selection} {partition} {update} {block_size}": {
            "selection": selection,
            "partition": partition,
            "update": update,
            "block_size": block_size,
        }
        for selection in selections
    }


def data_rules(*, newton: bool) -> dict[str, Rule]:
    """Fixed against variable blocks, gradient against matrix updates, rule against rule."""
    greedy = ("gs", "gsl", "gsd", "gsq")
    runs = rules(("random", "cyclic", "lipschitz", "gs", "gsl"), "sort", "gradient", 5)
    runs |= rules(("random", "gs", "gsl"), "variable", "gradient", 5)
    runs |= rules(("gsl",), "variable", "backtracking", 50)
    runs |= rules(greedy, "sort", "matrix", 5)
    runs |= rules(greedy, "variable", "matrix", 5) | rules(greedy, "variable", "matrix", 50)
    return runs | (rules(greedy, "variable", "newton", 100) if newton else {})


def graph_rules(block_size: int) -> dict[str, Rule]:
    """Exact updates of blocks whose cost is that of a pass over the nodes."""
    runs = rules(("gs",), "variable", "matrix", block_size)
    runs |= rules(("cyclic",), "red-black", "matrix", 1) | rules(
        ("cyclic",), "forests", "matrix", 1
    )
    return runs | rules(("random", "gs", "gsl", "gsd"), "greedy-forest", "matrix", 1)


def nonnegative_rules() -> dict[str, Rule]:
    runs: dict[str, Rule] = {}
    for update in ("gradient", "newton", "two-metric"):
        for size in (5, 50, 100):
            runs |= rules(("gsl-q",), "variable", update, size)
        runs |= rules(("gsl-q",), "sort", update, 50)
    return runs


RULES: dict[str, dict[str, Rule]] = {
    "A": data_rules(newton=False),
    "B": data_rules(newton=True),
    "C": data_rules(newton=True),
    "D": graph_rules(13),
    "E": graph_rules(12),
    "L1": nonnegative_rules(),
}


def infimum(name: str, problem: Any) -> float:
    """Of the objective; A, B and C have as many coordinates as they need to reach zero."""
    if name in ("D", "E"):
        return float(-0.5 * problem.b @ sparse.linalg.spsolve(problem.A, problem.b))
    if name == "L1":
        return run(problem, 2000, block_size=100).objective
    return 0.0


def run(problem: Any, iterations: int, **rule: Any) -> BlockDescentResult:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return block_coordinate_descent(
            problem, rtol=1e-13, max_iter=iterations, n_threads=1, **rule
        )


def table(name: str, scale: float, iterations: int) -> Iterator[str]:
    problem = MAKERS[name](scale)
    lowest = infimum(name, problem)
    yield f"{name}: f - inf f at the start and after {iterations} iterations, CPU seconds"
    for label, rule in RULES[name].items():
        started = time.process_time()
        found = run(problem, iterations, **rule)
        seconds = time.process_time() - started
        gaps = found.trace["objective"] - lowest
        close = np.flatnonzero(gaps <= 1e-14 * gaps[0] + 1e-8)
        reached = f"1e-8 after {int(found.trace['iteration'][close[0]])}" if close.size else ""
        yield f"  {label:30} {gaps[0]:8.2e} {gaps[-1]:9.2e} {seconds:8.3f} s  {reached}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(MAKERS), help="A B C D E L1")
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of samples")
    parser.add_argument("--iterations", type=int, default=500)
    arguments = parser.parse_args()
    for name in arguments.names:
        for line in table(name, arguments.scale, arguments.iterations):
            print(line, flush=True)


if __name__ == "__main__":
    main()
