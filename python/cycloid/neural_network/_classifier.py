"""ConvexReLUClassifier."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cycloid._inputs import as_weights, check_option
from cycloid._result import Callback
from cycloid.neural_network import _attack
from cycloid.neural_network._attack import Attack, Certificate
from cycloid.neural_network._estimator import ConvexReLU


def _has_probabilities(model: ConvexReLUClassifier) -> bool:
    if model.loss != "log_loss":
        raise AttributeError(f"probabilities need loss='log_loss'; got {model.loss!r}")
    return True


class ConvexReLUClassifier(ClassifierMixin, ConvexReLU):  # type: ignore[misc]
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


def _encode(codes: NDArray[Any], n_classes: int, loss: str) -> tuple[str, NDArray[np.float64]]:
    """The loss by its name in `convex_relu`, and its targets."""
    if n_classes == 2:
        return loss, np.where(codes == 1, 1.0, -1.0)
    member = codes[:, None] == np.arange(n_classes)
    if loss == "log_loss":
        return "softmax", member.astype(np.float64)
    return loss, np.where(member, 1.0, -1.0)
