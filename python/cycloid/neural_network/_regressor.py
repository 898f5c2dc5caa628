"""ConvexReLURegressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from cycloid._inputs import Vector, as_weights, check_option
from cycloid._result import Callback
from cycloid.neural_network._estimator import ConvexReLU


class ConvexReLURegressor(MultiOutputMixin, RegressorMixin, ConvexReLU):  # type: ignore[misc]
    """Regression by a two-layer ReLU network with a bound on its distance from the optimum.

    With s the standard deviation of `y` (of all targets together), minimise over networks f of any
    width, as `convex_relu` does::

        sum_i w_i l(f(x_i) / s, y_i / s) / sum(w) + alpha / 2 * sum of squared weights of f / s

    where the weights are those of both layers and the neurons' biases. So the fit follows any
    scaling of `y`. Scale the features to similar ranges first.

    Parameters
    ----------
    loss : {'squared_error', 'huber', 'quantile'}, default='squared_error'
        See `convex_relu`.
    loss_parameter : float, default=None
        Huber's threshold (in units of s; default 1.35), the quantile's level (default 0.5).
    alpha : float or 'auto', default='auto'
        Strength of the penalty, > 0. 'auto': 3 over the sum of the sample weights (the number of
        samples without weights), at most 0.01.
    patterns : {'refined', 'random', 'all'}, default='refined'
        Where activation patterns come from; see `convex_relu`.
    n_patterns : int, default=100
        Number of patterns for 'random'.
    n_neurons : int, default=50
        Width of the networks of the local searches.
    n_restarts : int, default=8
        Number of local searches begun.
    fit_intercept : bool, default=True
        Whether neurons and outputs have a bias.
    adversarial_radius : float, default=0
        Each sample's loss is that of the worst input within this distance, in the units of X;
        see the notes of `convex_relu`.
    adversarial_norm : {'linf', 'l2'}, default='linf'
        The norm of that distance.
    max_iter : int, default=30
        Limit on rounds.
    tol : float, default=1e-2
        Training ends when ``objective - lower_bound <= tol * objective``.
    warm_start : bool, default=False
        Whether `fit` begins at the network of the fit before.
    random_state : int, RandomState instance or None, default=None
        Seed of the local searches, the patterns and the pricing.
    n_threads : int, default=None
        Number of threads, with the same result for any. None: the environment variable
        CYCLOID_NUM_THREADS, else all CPUs that the process may use, within OpenMP's limits;
        -1: all CPUs.
    time_limit : float, default=None
        Seconds after which `fit` ends with the best network so far.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms. True stops the fit; an
        exception passes through unchanged.
    verbose : int, default=0
        1 prints a line each round.

    Attributes
    ----------
    coefs_ : list of two ndarrays, (n_features, n_neurons_) and (n_neurons_, n_outputs_)
        Weights, in the layout of `MLPRegressor`.
    intercepts_ : list of two ndarrays, (n_neurons_,) and (n_outputs_,)
        Biases.
    alpha_ : float
        The strength of the penalty that was used.
    gap_, lower_bound_ : float
        ``objective - lower_bound``, and the lower bound of the objective over all networks, both
        of the problem in units of s; see `NetworkResult`.
    n_neurons_ : int
        Width of the hidden layer.
    n_iter_ : int
        Rounds.
    n_outputs_ : int
        Number of targets.
    result_ : NetworkResult
        The network for `y` in units of s, with status, bounds and trace.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    convex_relu : The function behind it, with the exact problem and the references.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.neural_network import ConvexReLURegressor
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> model = ConvexReLURegressor(patterns="all", random_state=0).fit(X, np.abs(X[:, 0]))
    >>> model.result_.bound_is_rigorous, round(model.score(X, np.abs(X[:, 0])), 2)
    (True, 1.0)
    """

    def __init__(
        self,
        alpha: float | str = "auto",
        *,
        loss: str = "squared_error",
        loss_parameter: float | None = None,
        patterns: str = "refined",
        n_patterns: int = 100,
        n_neurons: int = 50,
        n_restarts: int = 8,
        fit_intercept: bool = True,
        adversarial_radius: float = 0.0,
        adversarial_norm: str = "linf",
        max_iter: int = 30,
        tol: float = 1e-2,
        warm_start: bool = False,
        random_state: Any = None,
        n_threads: int | None = None,
        time_limit: float | None = None,
        callback: Callback | None = None,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.loss = loss
        self.loss_parameter = loss_parameter
        self.patterns = patterns
        self.n_patterns = n_patterns
        self.n_neurons = n_neurons
        self.n_restarts = n_restarts
        self.fit_intercept = fit_intercept
        self.adversarial_radius = adversarial_radius
        self.adversarial_norm = adversarial_norm
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_threads = n_threads
        self.time_limit = time_limit
        self.callback = callback
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples; only their ratios matter.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TypeError
            If a parameter or an array has the wrong type.
        ValueError
            If one has a wrong value or shape, or NaN or infinity; the message names it.

        Warns
        -----
        ConvergenceWarning
            If the gap stays above the tolerance; the message says why and what helps.
        """
        check_option("loss", self.loss, ("squared_error", "huber", "quantile"))
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, dtype=np.float64)
        y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
        weights = as_weights(sample_weight, len(X))
        scale = _deviation(y.reshape(len(y), -1), weights)
        result = self._train(X, y / scale, self.loss, self.loss_parameter, weights)
        self._store(result, scale)
        self._one_target = y.ndim == 1
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Outputs of the network.
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if self._one_target else outputs


def _deviation(y: NDArray[np.float64], weights: Vector | None) -> float:
    """Standard deviation of all targets together, each about its own mean; 1 if there is none."""
    centred = y - np.average(y, axis=0, weights=weights)
    deviation = float(np.sqrt(np.average(centred**2, axis=0, weights=weights).mean()))
    return deviation if deviation > 1e-12 * float(np.abs(y).max()) else 1.0
