"""What the estimators of ReLU networks share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from cycloid._inputs import Vector, check_flag, check_option
from cycloid._result import Callback
from cycloid.neural_network._export import to_onnx, to_torch
from cycloid.neural_network._result import NetworkResult
from cycloid.neural_network._train import convex_relu

# The default penalty, chosen on held-out samples of scikit-learn's sets and some of UCI's.
ALPHA_SAMPLES = 3.0
MOST_ALPHA = 1e-2


class ConvexReLU(BaseEstimator):  # type: ignore[misc]
    """Trains a network, stores it, and gives its outputs."""

    alpha: float | str
    patterns: Any
    n_patterns: int
    n_neurons: int
    n_restarts: int
    fit_intercept: bool
    adversarial_radius: float
    adversarial_norm: Any
    max_iter: int
    tol: float
    warm_start: bool
    random_state: Any
    n_threads: int | None
    time_limit: float | None
    callback: Callback | None
    verbose: int

    result_: NetworkResult
    coefs_: list[NDArray[Any]]
    intercepts_: list[NDArray[Any]]

    def _train(
        self, X: Any, targets: Any, loss: str, loss_parameter: float | None, weights: Vector | None
    ) -> NetworkResult:
        alpha: Any = self.alpha
        if isinstance(alpha, str):
            check_option("alpha", alpha, ("auto",))
            alpha = min(MOST_ALPHA, ALPHA_SAMPLES / (len(X) if weights is None else weights.sum()))
        initial = None
        if check_flag("warm_start", self.warm_start) and hasattr(self, "result_"):
            initial = self.result_
        return convex_relu(
            X,
            targets,
            alpha,
            loss=loss,
            loss_parameter=loss_parameter,
            patterns=self.patterns,
            n_patterns=self.n_patterns,
            n_neurons=self.n_neurons,
            n_restarts=self.n_restarts,
            sample_weight=weights,
            fit_intercept=self.fit_intercept,
            adversarial_radius=self.adversarial_radius,
            adversarial_norm=self.adversarial_norm,
            max_iter=self.max_iter,
            tol=self.tol,
            network_init=initial,
            random_state=self.random_state,
            n_threads=self.n_threads,
            time_limit=self.time_limit,
            callback=self.callback,
            verbose=self.verbose,
        )

    def _store(self, result: NetworkResult, scale: float) -> None:
        self.result_ = result
        self.alpha_ = result.alpha
        self.coefs_ = [result.hidden_coef, result.output_coef * scale]
        self.intercepts_ = [result.hidden_intercept, result.output_intercept * scale]
        self.gap_ = result.gap
        self.lower_bound_ = result.lower_bound
        self.n_neurons_ = result.n_neurons
        self.n_iter_ = result.n_iter
        self.n_outputs_ = result.output_coef.shape[1]

    def _outputs(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        hidden = np.maximum(X @ self.coefs_[0] + self.intercepts_[0], 0.0)
        outputs: NDArray[np.float64] = hidden @ self.coefs_[1] + self.intercepts_[1]
        return outputs

    def to_torch(self) -> Any:
        """The network as a ``torch.nn.Sequential`` of float64 layers; needs PyTorch."""
        check_is_fitted(self)
        return to_torch(self.coefs_, self.intercepts_)

    def to_onnx(self) -> Any:
        """The network as an ``onnx.ModelProto``, from X to the outputs; needs the package onnx."""
        check_is_fitted(self)
        return to_onnx(self.coefs_, self.intercepts_)
