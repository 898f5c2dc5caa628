"""What people pass for a network's training problem -> what the core can view."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from cycloid._inputs import as_weights, check_finite_real, check_option, check_real
from cycloid._result import Vector
from cycloid.neural_network import _robust
from cycloid.neural_network._result import Matrix, NetworkResult
from cycloid.neural_network._robust import NORMS, Ball

LOSSES = {
    "squared_error": "squared",
    "huber": "huber",
    "quantile": "quantile",
    "log_loss": "logistic",
    "hinge": "hinge",
    "squared_hinge": "squared_hinge",
    "softmax": "softmax",
}
REAL_TARGETS = ("squared_error", "huber", "quantile")


def as_problem(
    X: Any, y: Any, sample_weight: Any, loss: str, bias: bool
) -> tuple[Matrix, Matrix, Vector]:
    """X, with a column of ones for a bias, y with a column an output, weights that sum to one.

    Samples are sorted and equal ones merged, so that neither their order nor whether they are
    repeated or weighted makes a difference; those without weight are left out.
    """
    X = check_array(X, dtype=np.float64, input_name="X")
    y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
    if y.ndim not in (1, 2) or len(y) != len(X):
        raise ValueError(
            f"y must have shape ({len(X)},) or ({len(X)}, n_outputs), one row for each row of X; "
            f"got {y.shape}"
        )
    targets = y.reshape(len(y), -1)
    if loss == "softmax":
        if targets.shape[1] < 2 or not (
            np.isin(targets, (0.0, 1.0)).all() and (targets.sum(axis=1) == 1.0).all()
        ):
            raise ValueError("y must have one 1 in each row and zeros else, for loss='softmax'")
    elif loss not in REAL_TARGETS and not (np.abs(targets) == 1.0).all():
        raise ValueError(f"y must hold -1 and +1 for loss={loss!r}")
    weights = as_weights(sample_weight, len(X))
    if weights is None:
        weights = np.ones(len(X))
    kept = weights > 0
    samples, place = np.unique(np.column_stack([X, targets])[kept], axis=0, return_inverse=True)
    merged = np.bincount(place.ravel(), weights[kept])
    design = np.ones((len(samples), X.shape[1] + bias), order="F")
    design[:, : X.shape[1]] = samples[:, : X.shape[1]]
    return design, np.asfortranarray(samples[:, X.shape[1] :]), merged / merged.sum()


def as_loss_parameter(loss: str, value: float | None) -> float:
    """The number that a loss depends on; 0 for those that have none."""
    if loss == "huber":
        return check_finite_real("loss_parameter", 1.35 if value is None else value, open_low=True)
    if loss == "quantile":
        level = check_real("loss_parameter", 0.5 if value is None else value, high=1.0)
        if level in (0.0, 1.0):
            raise ValueError(f"loss_parameter must lie strictly between 0 and 1; got {value!r}")
        return level
    if value is not None:
        raise ValueError(f"loss_parameter must be None for loss={loss!r}; got {value!r}")
    return 0.0


def as_ball(radius: Any, norm: Any, columns: int, loss: str) -> Ball:
    radius = check_finite_real("adversarial_radius", radius)
    if radius > 0 and LOSSES[loss] not in _robust.LOSSES:
        names = [name for name, core in LOSSES.items() if core in _robust.LOSSES]
        raise ValueError(f"adversarial_radius > 0 needs a loss of {names}; got {loss!r}")
    return Ball(radius, check_option("adversarial_norm", norm, NORMS), columns)


def as_start(
    network: NetworkResult | None, design: Matrix, targets: Matrix, bias: bool
) -> tuple[NDArray[Any], ...] | None:
    if network is None:
        return None
    if not isinstance(network, NetworkResult):
        raise TypeError(f"network_init must be a NetworkResult or None; got {network!r}")
    expected = (design.shape[1] - bias, targets.shape[1])
    found = (len(network.hidden_coef), network.output_coef.shape[1])
    if found != expected:
        raise ValueError(
            f"network_init must have {expected[0]} features and {expected[1]} outputs; got "
            f"{found[0]} and {found[1]}"
        )
    if network.n_neurons == 0:
        return None
    u = network.hidden_coef
    if bias:
        u = np.vstack([u, network.hidden_intercept])
    return (
        np.asfortranarray(u),
        np.asfortranarray(network.output_coef.T),
        np.asfortranarray(network.output_intercept[None, :] * bias),
    )
