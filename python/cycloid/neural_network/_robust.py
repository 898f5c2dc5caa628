"""Training against inputs that move within a ball, from one problem to the core and back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cycloid import _core
from cycloid._result import Callback, Status, Vector
from cycloid.neural_network._result import Matrix

Norm = Literal["linf", "l2"]
NORMS: tuple[Norm, ...] = ("linf", "l2")

LOSSES = ("squared", "logistic", "hinge", "squared_hinge")

# Multiply-adds that one pattern's search for a neuron inside its cone may take.
GENERATOR_WORK = 1e9
ITERATIONS = 1000  # of the ADMM that make a round
SEARCH_ITERATIONS = 200
GAPS = 3  # of each direction


@dataclass(frozen=True)
class Ball:
    """Where an input may move to: the first `columns` of a row, within `radius` in the norm."""

    radius: float
    norm: Norm
    columns: int

    @property
    def arguments(self) -> dict[str, Any]:
        """What the core calls them."""
        return {"radius": self.radius, "norm": self.norm, "n_perturbed": self.columns}


@dataclass(frozen=True)
class Training:
    """One training run: its samples, its ball and the options that every step needs."""

    design: Matrix
    weights: Vector
    ball: Ball
    loss: str
    alpha: float
    intercept: bool
    tol: float
    max_rounds: int
    n_threads: int
    deadline: float
    observer: Callback | None

    @property
    def core(self) -> dict[str, Any]:
        """Arguments of the searches in the core."""
        return self.ball.arguments | {"observer": None}


def train(
    run: Training,
    targets: Matrix,
    mode: str,
    n_patterns: int,
    n_neurons: int,
    initial: Matrix,
    seed: int,
) -> dict[str, Any]:
    """Robust programs, one for each output, as one network in the form of ``_core.relu_train``.

    The patterns of the neurons `initial` are among those that are tried.
    """
    rng = np.random.default_rng(seed)
    solved = []
    for j in range(targets.shape[1]):
        y = np.ascontiguousarray(targets[:, j])
        active, generators = _patterns(run, y, mode, n_patterns, n_neurons, initial, rng)
        if active.shape[1] == 0:
            raise ValueError(
                f"adversarial_radius={run.ball.radius:g} is too large: each neuron without a bias "
                "changes its sign within the ball of some sample. Reduce it, or set fit_intercept"
            )
        solved.append(_solve(run, y, active, generators))
    u, a = [], []
    for j, one in enumerate(solved):
        size = np.linalg.norm(one["v"], axis=0)
        kept = size > 0
        u.append(one["v"][:, kept] / np.sqrt(size[kept]))
        a.append(np.zeros((targets.shape[1], u[-1].shape[1])))
        a[-1][j] = one["direction"][kept] * np.sqrt(size[kept])
    statuses = [Status(int(one["status"])) for one in solved]  # type: ignore[call-arg]
    bound = sum(one["lower_bound"] for one in solved)
    return {
        "u": np.hstack(u),
        "a": np.hstack(a),
        "c": np.array([one["c"] for one in solved]),
        "objective": sum(one["objective"] for one in solved),
        "lower_bound": bound,
        "bound_is_rigorous": False,
        "rigorous_bound": -np.inf,
        "status": next((s for s in statuses if s != Status.CONVERGED), Status.CONVERGED),
        "n_rounds": max(-(-one["n_iter"] // ITERATIONS) for one in solved),
        "n_patterns": max(one["v"].shape[1] // 2 for one in solved),
        "trace": solved[-1]["trace"],
    }


def _solve(run: Training, y: Vector, active: NDArray[np.uint8], generators: Matrix) -> Any:
    """The robust program of these patterns, each with both directions.

    The first pattern alone comes first: it is the one that is active everywhere, a robust linear
    model, and a good start.
    """
    v = np.zeros((len(generators), 0))
    c = 0.0
    for count in sorted({1, active.shape[1]}):
        direction = np.tile([1.0, -1.0], count)
        start = np.zeros((len(generators), 2 * count), order="F")
        start[:, : v.shape[1]] = v
        out = _core.solve_robust_relu(
            run.design,
            y,
            run.weights,
            active=np.asfortranarray(active[:, :count]),
            generators=np.asfortranarray(generators[:, :count]),
            pattern=np.repeat(np.arange(count), 2),
            direction=direction,
            loss=run.loss,  # type: ignore[arg-type]
            alpha=run.alpha,
            intercept=run.intercept,
            v=start,
            c=c,
            rtol=run.tol,
            max_iter=run.max_rounds * ITERATIONS,
            n_threads=run.n_threads,
            time_limit=max(run.deadline - time.perf_counter(), 0.0),
            observer=run.observer,
            **run.ball.arguments,
        )
        v, c = out["v"], out["c"]
    return out | {"direction": direction}


def _patterns(
    run: Training,
    y: Vector,
    mode: str,
    count: int,
    n_neurons: int,
    initial: Matrix,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], Matrix]:
    """Patterns whose neurons keep their signs over every ball, with a point inside each cone."""
    design = run.design
    n, d = design.shape
    neurons = [initial]
    if mode == "refined":
        neurons.append(_searched(run, y, n_neurons, int(rng.integers(2**31))))
    own = np.hstack(neurons)
    ends = rng.integers(n, size=(2, 4 * count))
    directions = [own, (design[ends[0]] - design[ends[1]]).T, rng.standard_normal((d, count))]
    found = [
        _across_gaps(run, own[:, :0]),
        _inside(run, (design @ own >= 0).astype(np.uint8)),
        _across_gaps(run, np.hstack(directions)),
        _inside(run, _sampled(run, mode, count, rng)),
    ]
    active, generators = (np.hstack(parts) for parts in zip(*found, strict=True))
    _, first = np.unique(active, axis=1, return_index=True)
    kept = np.sort(first)
    if mode != "all":
        kept = kept[:count]
    return np.asfortranarray(active[:, kept]), np.asfortranarray(generators[:, kept])


def _across_gaps(run: Training, directions: Matrix) -> tuple[NDArray[np.uint8], Matrix]:
    """The pattern that is active everywhere, and those of gaps between the balls."""
    directions = np.asfortranarray(directions)
    return _core.gap_patterns(run.design, directions, most=GAPS, **run.core)


def _inside(run: Training, active: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Matrix]:
    """Those of the patterns whose cone has an interior that the effort finds."""
    return _core.robust_generators(
        run.design,
        np.asfortranarray(active),
        max_iter=int(np.clip(GENERATOR_WORK / run.design.size, 100, 30_000)),
        n_threads=run.n_threads,
        **run.core,
    )


def _searched(run: Training, y: Vector, n_neurons: int, seed: int) -> Matrix:
    """Neurons of a local search."""
    neurons, _, _ = _core.search_robust_relu(
        run.design,
        y,
        run.weights,
        n_neurons=n_neurons,
        loss=run.loss,  # type: ignore[arg-type]
        alpha=run.alpha,
        intercept=run.intercept,
        max_iter=SEARCH_ITERATIONS,
        seed=seed,
        n_threads=run.n_threads,
        **run.core,
    )
    return neurons


def _sampled(run: Training, mode: str, count: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """All patterns, or those of perturbed samples."""
    found: NDArray[np.uint8] = _core.relu_patterns(
        run.design,
        source="all" if mode == "all" else "perturbed",
        n_patterns=count,
        radius=run.ball.radius,
        seed=int(rng.integers(2**31)),
        n_threads=run.n_threads,
        observer=None,
    )["active"]
    return found
