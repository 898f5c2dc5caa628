"""Two-layer ReLU networks, trained by convex programs.

`convex_relu` trains a network and bounds its distance from the global optimum; `convex_relu_path`
does so at several penalty strengths. `gated_relu` and `sampled_relu` solve quicker relatives of
its problem: fixed random gates, and fixed random neurons. The estimators `ConvexReLURegressor` and
`ConvexReLUClassifier` take their place beside scikit-learn's `MLPRegressor` and `MLPClassifier`.
All train against inputs that an adversary moves where `adversarial_radius` is set; the classifier
also proves and attacks its own accuracy (`Certificate`, `Attack`).
"""

from cycloid._result import Status
from cycloid.neural_network._attack import Attack, Certificate
from cycloid.neural_network._classifier import ConvexReLUClassifier
from cycloid.neural_network._gated import GatedNetworkResult, gated_relu
from cycloid.neural_network._regressor import ConvexReLURegressor
from cycloid.neural_network._result import NetworkResult
from cycloid.neural_network._sampled import sampled_relu
from cycloid.neural_network._train import convex_relu, convex_relu_path

__all__ = [
    "Attack",
    "Certificate",
    "ConvexReLUClassifier",
    "ConvexReLURegressor",
    "GatedNetworkResult",
    "NetworkResult",
    "Status",
    "convex_relu",
    "convex_relu_path",
    "gated_relu",
    "sampled_relu",
]
