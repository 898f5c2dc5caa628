"""What inputs that move within a ball can do to a trained network: proofs and attacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from cycloid import _core
from cycloid._inputs import check_finite_real, check_integer, check_option, check_real, thread_count
from cycloid._result import Vector
from cycloid.neural_network._result import Matrix
from cycloid.neural_network._robust import NORMS, Ball


@dataclass(frozen=True, eq=False)
class Certificate:
    """Bounds of each sample's margin at the worst input within the ball.

    The margin is the output in favour of the true class: of two classes the output or its negative,
    of more the output of the true class less the largest other one.

    Attributes
    ----------
    lower, upper : ndarray of shape (n_samples,)
        The worst margin lies between them.
    """

    lower: Vector = field(repr=False)
    upper: Vector = field(repr=False)

    @property
    def accuracy(self) -> float:
        """Share of the samples that are proved to be right at every input within the ball."""
        return float((self.lower > 0).mean())

    @property
    def accuracy_bound(self) -> float:
        """Share of the samples that are not proved wrong at some input: never below `accuracy`."""
        return float((self.upper > 0).mean())


@dataclass(frozen=True, eq=False)
class Attack:
    """The worst inputs that an attack found.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        The inputs, each within the ball of its sample.
    margin : ndarray of shape (n_samples,)
        The margins there; see `Certificate`.
    """

    X: Matrix = field(repr=False)
    margin: Vector = field(repr=False)

    @property
    def accuracy(self) -> float:
        """Share of the samples that are right at the inputs found."""
        return float((self.margin > 0).mean())


def certify(
    coefs: Sequence[Matrix],
    intercepts: Sequence[Vector],
    X: Matrix,
    labels: NDArray[np.intp],
    radius: Any,
    norm: Any,
    max_nodes: Any,
    n_threads: Any,
) -> Certificate:
    """See `ConvexReLUClassifier.certify`; labels as ``_core.certify_relu`` has them."""
    lower, upper = _core.certify_relu(
        _with_ones(X),
        labels,
        **_network(coefs, intercepts),
        **_ball(radius, norm, X),
        max_nodes=check_integer("max_nodes", max_nodes, low=1),
        n_threads=thread_count(n_threads),
        observer=None,
    )
    return Certificate(lower, upper)


def attack(
    coefs: Sequence[Matrix],
    intercepts: Sequence[Vector],
    X: Matrix,
    labels: NDArray[np.intp],
    radius: Any,
    norm: Any,
    max_iter: Any,
    n_restarts: Any,
    clip: Any,
    random_state: Any,
    n_threads: Any,
) -> Attack:
    """See `ConvexReLUClassifier.attack`; labels as ``_core.attack_relu`` has them."""
    try:
        low, high = (-np.inf, np.inf) if clip is None else clip
    except (TypeError, ValueError):
        raise ValueError(f"clip must be None or two numbers (low, high); got {clip!r}") from None
    low = check_real("clip[0]", low, low=-np.inf)
    high = check_real("clip[1]", high, low=low)
    if X.min() < low or X.max() > high:
        raise ValueError(f"X must lie within clip=({low:g}, {high:g})")
    worst, margin = _core.attack_relu(
        _with_ones(X),
        labels,
        **_network(coefs, intercepts),
        **_ball(radius, norm, X),
        steps=check_integer("max_iter", max_iter, low=1),
        restarts=check_integer("n_restarts", n_restarts, low=1),
        seed=int(check_random_state(random_state).randint(np.iinfo(np.int32).max)),
        low=low,
        high=high,
        n_threads=thread_count(n_threads),
        observer=None,
    )
    return Attack(np.ascontiguousarray(worst[:, : X.shape[1]]), margin)


def _with_ones(X: Matrix) -> Matrix:
    """X and a column for the biases."""
    return np.asfortranarray(np.column_stack([X, np.ones(len(X))]))


def _network(coefs: Sequence[Matrix], intercepts: Sequence[Vector]) -> dict[str, Any]:
    return {
        "u": np.asfortranarray(np.vstack([coefs[0], intercepts[0]])),
        "a": np.asfortranarray(coefs[1].T),
        "c": np.ascontiguousarray(intercepts[1]),
    }


def _ball(radius: Any, norm: Any, X: Matrix) -> dict[str, Any]:
    radius = check_finite_real("radius", radius)
    return Ball(radius, check_option("norm", norm, NORMS), X.shape[1]).arguments
