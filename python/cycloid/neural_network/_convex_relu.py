"""ConvexReLURegressor and ConvexReLUClassifier."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cycloid._inputs import Vector, as_weights, check_flag, check_option
from cycloid._result import Callback
from cycloid.neural_network import _attack
from cycloid.neural_network._attack import Attack, Certificate
from cycloid.neural_network._export import to_onnx, to_torch
from cycloid.neural_network._result import NetworkResult
from cycloid.neural_network._train import convex_relu

# The default penalty, chosen on held-out samples of scikit-learn's sets and some of UCI's.
ALPHA_SAMPLES = 3.0
MOST_ALPHA = 1e-2


class _ConvexReLU(BaseEstimator):  # type: ignore[misc]
    """What both estimators share: the network once it is fitted."""

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


class ConvexReLURegressor(MultiOutputMixin, RegressorMixin, _ConvexReLU):  # type: ignore[misc]
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


def _has_probabilities(model: ConvexReLUClassifier) -> bool:
    if model.loss != "log_loss":
        raise AttributeError(f"probabilities need loss='log_loss'; got {model.loss!r}")
    return True


class ConvexReLUClassifier(ClassifierMixin, _ConvexReLU):  # type: ignore[misc]
    """Classification by a two-layer ReLU network with a bound on its distance from the optimum.

    Minimise over networks f of any width, as `convex_relu` does::

        sum_i w_i l(f(x_i), y_i) / sum(w) + alpha / 2 * sum of squared weights of f

    where the weights are those of both layers and the neurons' biases. Two classes have one output,
    positive for ``classes_[1]``; more have one output each.

    Parameters
    ----------
    loss : {'log_loss', 'hinge', 'squared_hinge'}, default='log_loss'
        'log_loss': logistic for two classes, the cross-entropy of all for more. 'hinge' and
        'squared_hinge': each class against the rest.
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
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    coefs_ : list of two ndarrays, (n_features, n_neurons_) and (n_neurons_, n_outputs_)
        Weights, in the layout of `MLPClassifier`.
    intercepts_ : list of two ndarrays, (n_neurons_,) and (n_outputs_,)
        Biases.
    alpha_ : float
        The strength of the penalty that was used.
    gap_, lower_bound_ : float
        ``objective - lower_bound``, and the lower bound of the objective over all networks; see
        `NetworkResult`.
    n_neurons_ : int
        Width of the hidden layer.
    n_iter_ : int
        Rounds.
    n_outputs_ : int
        1 for two classes, else their number.
    result_ : NetworkResult
        The network with status, bounds and trace.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    convex_relu : The function behind it, with the exact problem and the references.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from cycloid.neural_network import ConvexReLUClassifier
    >>> X, y = make_moons(60, noise=0.1, random_state=0)
    >>> model = ConvexReLUClassifier(alpha=1e-3, random_state=0).fit(X, y)
    >>> model.score(X, y)
    1.0
    """

    def __init__(
        self,
        alpha: float | str = "auto",
        *,
        loss: str = "log_loss",
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
        y : array-like of shape (n_samples,)
            Class labels.
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
        check_option("loss", self.loss, ("log_loss", "hinge", "squared_hinge"))
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y must hold samples of two classes at least; got one class only: "
                f"{self.classes_[0]!r}"
            )
        loss, targets = _encode(codes, len(self.classes_), self.loss)
        if loss == "softmax" and self.adversarial_radius:
            raise ValueError(
                f"adversarial_radius={self.adversarial_radius!r} with more than two classes needs "
                "loss='hinge' or 'squared_hinge'; got 'log_loss'"
            )
        weights = as_weights(sample_weight, len(X))
        self._store(self._train(X, targets, loss, None, weights), 1.0)
        return self

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Outputs of the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes positive where ``classes_[1]`` is predicted.
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict class labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,)
            The most likely class of each sample.
        """
        outputs = self.decision_function(X)
        chosen = (outputs > 0).astype(int) if outputs.ndim == 1 else outputs.argmax(axis=1)
        labels: NDArray[Any] = self.classes_[chosen]
        return labels

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Probabilities of the classes, with loss='log_loss' only.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Rows sum to one.
        """
        outputs = self.decision_function(X)
        if outputs.ndim == 1:
            return np.column_stack([expit(-outputs), expit(outputs)])
        shares: NDArray[Any] = softmax(outputs, axis=1)
        return shares

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Logarithms of `predict_proba`."""
        logarithms: NDArray[Any] = np.log(self.predict_proba(X))
        return logarithms

    def certified_accuracy(
        self,
        X: Any,
        y: Any,
        radius: float,
        *,
        norm: str = "linf",
        max_nodes: int = 200,
    ) -> float:
        """Share of the samples that are proved to be classified right at every input near them.

        Parameters
        ----------
        X, y, radius, norm, max_nodes
            As for `certify`.

        Returns
        -------
        float
            ``certify(...).accuracy``.
        """
        return self.certify(X, y, radius, norm=norm, max_nodes=max_nodes).accuracy

    def certify(
        self,
        X: Any,
        y: Any,
        radius: float,
        *,
        norm: str = "linf",
        max_nodes: int = 200,
    ) -> Certificate:
        """Bound what inputs within a distance of the samples can do.

        Exact for samples within whose ball no neuron changes its sign; else linear bounds of the
        neurons, with optimised slopes [1]_, and branch and bound on their signs until it is known
        whether the worst input is classified right.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            The true classes, each among `classes_`.
        radius : float
            How far an input may be from its sample, in the units of `X`, >= 0.
        norm : {'linf', 'l2'}, default='linf'
            The norm of that distance.
        max_nodes : int, default=200
            Limit on the nodes of branch and bound, for each sample and each other class.

        Returns
        -------
        Certificate
            Bounds of the worst margins, and the accuracy that they prove.

        Raises
        ------
        TypeError, ValueError
            If an argument is wrong; the message names it.

        References
        ----------
        .. [1] K. Xu et al., "Fast and complete: enabling complete neural network verification with
           rapid and massively parallel incomplete verifiers", ICLR 2021.

        Examples
        --------
        >>> from sklearn.datasets import make_moons
        >>> from cycloid.neural_network import ConvexReLUClassifier
        >>> X, y = make_moons(60, noise=0.1, random_state=0)
        >>> model = ConvexReLUClassifier(alpha=1e-3, random_state=0).fit(X, y)
        >>> model.certified_accuracy(X, y, 0.0)
        1.0
        >>> certificate = model.certify(X, y, 0.2)
        >>> certificate.accuracy <= model.attack(X, y, 0.2, random_state=0).accuracy
        True
        """
        X, labels = self._labelled(X, y)
        return _attack.certify(
            self.coefs_, self.intercepts_, X, labels, radius, norm, max_nodes, self.n_threads
        )

    def attack(
        self,
        X: Any,
        y: Any,
        radius: float,
        *,
        norm: str = "linf",
        max_iter: int = 40,
        n_restarts: int = 5,
        clip: tuple[float, float] | None = None,
        random_state: Any = None,
    ) -> Attack:
        """Look for inputs within a distance of the samples that are classified wrong.

        Projected gradient descent on the margin [1]_, from the sample and from random inputs.

        Parameters
        ----------
        X, y, radius, norm
            As for `certify`.
        max_iter : int, default=40
            Steps of each descent.
        n_restarts : int, default=5
            Number of descents of each sample.
        clip : tuple of two floats, default=None
            The least and the largest value that an input may have, such as (0, 1) for images.
        random_state : int, RandomState instance or None, default=None
            Seed of the random inputs.

        Returns
        -------
        Attack
            The worst inputs found and their margins.

        Raises
        ------
        TypeError, ValueError
            If an argument is wrong; the message names it.

        References
        ----------
        .. [1] A. Madry et al., "Towards deep learning models resistant to adversarial attacks",
           ICLR 2018.
        """
        X, labels = self._labelled(X, y)
        return _attack.attack(
            self.coefs_,
            self.intercepts_,
            X,
            labels,
            radius,
            norm,
            max_iter,
            n_restarts,
            clip,
            random_state,
            self.n_threads,
        )

    def _labelled(self, X: Any, y: Any) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """X, and y as the core has it: -1 and +1 for two classes, else the place in `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        known = np.isin(y, self.classes_)
        if not known.all():
            raise ValueError(f"y must hold classes seen in fit only; got {y[~known][0]}")
        codes = np.searchsorted(self.classes_, y)
        return X, np.asarray(2 * codes - 1 if len(self.classes_) == 2 else codes, dtype=np.intp)


def _deviation(y: NDArray[np.float64], weights: Vector | None) -> float:
    """Standard deviation of all targets together, each about its own mean; 1 if there is none."""
    centred = y - np.average(y, axis=0, weights=weights)
    deviation = float(np.sqrt(np.average(centred**2, axis=0, weights=weights).mean()))
    return deviation if deviation > 1e-12 * float(np.abs(y).max()) else 1.0


def _encode(codes: NDArray[Any], n_classes: int, loss: str) -> tuple[str, NDArray[np.float64]]:
    """The loss by its name in `convex_relu`, and its targets."""
    if n_classes == 2:
        return loss, np.where(codes == 1, 1.0, -1.0)
    member = codes[:, None] == np.arange(n_classes)
    if loss == "log_loss":
        return "softmax", member.astype(np.float64)
    return loss, np.where(member, 1.0, -1.0)
