"""LabelPropagation and LabelSpreading."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cycloid._inputs import check_real
from cycloid._result import Callback
from cycloid.semi_supervised._graph import X_CHECKS, Graph, Kernel, warn_of_loose, without_loops
from cycloid.semi_supervised._harmonic import HarmonicResult, solve_field


class _GraphClassifier(ClassifierMixin, BaseEstimator, metaclass=ABCMeta):  # type: ignore[misc]
    """What the two classifiers share: all but the problem that they solve."""

    affinity: str
    kernel: Kernel
    gamma: float
    n_neighbors: int
    max_iter: int
    tol: float
    n_jobs: int | None
    time_limit: float | None
    callback: Callback | None

    @abstractmethod
    def _solve(self, W: Any, known: NDArray[np.bool_], shares: NDArray[Any]) -> HarmonicResult:
        """Scores of the classes, from the given labels as rows of zeros and a one."""

    def fit(self, X: Any, y: Any) -> Self:
        """Label the unlabelled samples.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features) or (n_samples, n_samples)
            Samples, labelled and not; with `affinity="precomputed"` the graph's weights,
            non-negative and symmetric, whose diagonal does not matter.
        y : array-like of shape (n_samples,)
            Labels; -1 where there is none.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TypeError
            If a parameter or an array has the wrong type.
        ValueError
            If one has a wrong value or shape, or NaN or infinity; if no sample has a label.

        Warns
        -----
        UserWarning
            If no path of the graph joins a sample to a labelled one.
        ConvergenceWarning
            If the residual stays above the tolerance; the message says why and what helps.
        """
        X, y = validate_data(self, X, y, **X_CHECKS)
        check_classification_targets(y)
        known = np.array(y != -1, dtype=bool) if y.dtype.kind != "U" else np.ones(len(y), bool)
        if not known.any():
            raise ValueError("y must have a label other than -1 at one sample at least")
        classes, codes = np.unique(y[known], return_inverse=True)
        shares = np.zeros((len(y), len(classes)))
        shares[known, codes] = 1.0
        graph = Graph(
            X, self.affinity, self.kernel, self.gamma, self.n_neighbors, self.n_jobs
        )
        result = self._solve(graph.weights, known, shares)
        scores = np.maximum(result.values, 0.0)
        totals = scores.sum(axis=1, keepdims=True)
        bare = ~(totals[:, 0] > 0)  # NaN too
        warn_of_loose(type(self).__name__, bare, "the shares of the classes")
        prior = shares[known].mean(axis=0)
        distributions = np.where(bare[:, None], prior, scores / np.where(bare[:, None], 1, totals))
        self.X_ = X
        self.classes_ = classes
        self.label_distributions_ = distributions
        self.transduction_ = classes[distributions.argmax(axis=1)]
        self.n_iter_ = max(1, result.n_iter)
        self.result_ = result
        self._graph = graph
        self._prior = prior
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the labels of new samples.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n, n_features) or (n, n_samples)
            New samples; with `affinity="precomputed"` the weights of their edges to the samples of
            the fit.

        Returns
        -------
        ndarray of shape (n,)
            The most probable class of each.
        """
        probabilities = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict the probabilities of the classes for new samples.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n, n_features) or (n, n_samples)
            As for `predict`.

        Returns
        -------
        ndarray of shape (n, n_classes)
            The mean of the label distributions of the samples of the fit, weighted by the edges to
            them; the shares of the classes among the labelled samples where there are none.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **X_CHECKS)
        found = self._graph.average(X, self.label_distributions_)
        return np.where(np.isnan(found), self._prior, found)

    def _controls(self) -> dict[str, Any]:
        return {
            "tol": self.tol,
            "max_iter": self.max_iter,
            "time_limit": self.time_limit,
            "callback": self.callback,
            "verbose": 0,
            "who": type(self).__name__,
        }

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.affinity == "precomputed"
        tags.input_tags.positive_only = self.affinity == "precomputed"
        return tags


class LabelPropagation(_GraphClassifier):
    """Labels of unlabelled samples by the harmonic function of a graph of all samples.

    With weights W_ij between samples i and j, minimise over the scores f_i of all samples, for each
    class::

        sum_{i<j} W_ij (f_i - f_j)^2   subject to   f_i = 1 or 0, as y_i is the class or another

    over the unlabelled i [1]_. It is where scikit-learn's `LabelPropagation` converges to (for a
    symmetric W), solved directly: sparse elimination, and preconditioned conjugate gradients where
    that fills in too much.

    Parameters
    ----------
    kernel : {'rbf', 'knn'} or callable, default='rbf'
        'rbf': W_ij = exp(-gamma |x_i - x_j|^2), a dense matrix. 'knn': W_ij = 1 where one of the
        two is among the other's `n_neighbors` nearest, itself counted as in scikit-learn (whose
        graph is directed), sparse. A callable gets two arrays of samples and returns their
        non-negative weights, dense or sparse.
    gamma : float, default=20
        Of the kernel 'rbf'.
    n_neighbors : int, default=7
        Of the kernel 'knn'.
    max_iter : int, default=10000
        Limit on the steps of conjugate gradients.
    tol : float, default=1e-10
        Stop where the norm of each class's residual is at most `tol` times that of its right-hand
        side.
    n_jobs : int, default=None
        Processes of the search for neighbours; see scikit-learn's `NearestNeighbors`.
    affinity : {'kernel', 'precomputed'}, default='kernel'
        'precomputed': `X` holds the weights W themselves, dense or sparse.
    time_limit : float, default=None
        Seconds after which the solve ends with the scores reached.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms. True stops the solve; an
        exception passes through unchanged.

    Attributes
    ----------
    X_ : {ndarray, sparse array} of shape (n_samples, n_features) or (n_samples, n_samples)
        What `fit` was given.
    classes_ : ndarray of shape (n_classes,)
        The labels, without -1.
    label_distributions_ : ndarray of shape (n_samples, n_classes)
        Probabilities of the classes, a row for each sample.
    transduction_ : ndarray of shape (n_samples,)
        The most probable class of each sample.
    n_iter_ : int
        Steps of conjugate gradients; 1 where elimination alone solved the system.
    result_ : HarmonicResult
        Scores with status, violation, a bound of their error, and trace.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    References
    ----------
    .. [1] X. Zhu, Z. Ghahramani, J. Lafferty, "Semi-supervised learning using Gaussian fields and
       harmonic functions", ICML 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from cycloid.semi_supervised import LabelPropagation
    >>> path = sparse.diags_array([1.0, 1.0], offsets=[1, -1], shape=(5, 5)).tocsr()
    >>> model = LabelPropagation(affinity="precomputed").fit(path, [0, -1, -1, -1, 1])
    >>> model.label_distributions_[:, 1]
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    >>> model.transduction_
    array([0, 0, 0, 1, 1])
    """

    def __init__(
        self,
        kernel: Kernel = "rbf",
        *,
        gamma: float = 20,
        n_neighbors: int = 7,
        max_iter: int = 10_000,
        tol: float = 1e-10,
        n_jobs: int | None = None,
        affinity: str = "kernel",
        time_limit: float | None = None,
        callback: Callback | None = None,
    ) -> None:
        self.kernel = kernel
        self.gamma = gamma
        self.n_neighbors = n_neighbors
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs
        self.affinity = affinity
        self.time_limit = time_limit
        self.callback = callback

    def _solve(self, W: Any, known: NDArray[np.bool_], shares: NDArray[Any]) -> HarmonicResult:
        pull = np.where(known, np.inf, 0.0)
        return solve_field(W, pull, shares, shape=shares.shape, **self._controls())


class LabelSpreading(_GraphClassifier):
    """Labels of all samples, the given ones included, by a normalised graph and soft constraints.

    With weights W_ij between samples i and j, no loops, d_i = sum_j W_ij and S = D^{-1/2} W
    D^{-1/2}, solve for the scores F of the classes::

        (I - alpha S) F = (1 - alpha) Y

    where Y has a one for each given label and zeros elsewhere [1]_. It is where scikit-learn's
    `LabelSpreading` converges to (for a symmetric W), solved directly.

    Parameters
    ----------
    kernel : {'rbf', 'knn'} or callable, default='rbf'
        See `LabelPropagation`.
    gamma : float, default=20
        Of the kernel 'rbf'.
    n_neighbors : int, default=7
        Of the kernel 'knn'.
    alpha : float, default=0.2
        Share of its label that a sample takes from its neighbours, in (0, 1).
    max_iter : int, default=10000
        Limit on the steps of conjugate gradients.
    tol : float, default=1e-10
        Stop where the norm of each class's residual is at most `tol` times that of its right-hand
        side, both in the units of the unnormalised graph.
    n_jobs : int, default=None
        Processes of the search for neighbours; see scikit-learn's `NearestNeighbors`.
    affinity : {'kernel', 'precomputed'}, default='kernel'
        'precomputed': `X` holds the weights W themselves, dense or sparse.
    time_limit : float, default=None
        Seconds after which the solve ends with the scores reached.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms. True stops the solve; an
        exception passes through unchanged.

    Attributes
    ----------
    X_ : {ndarray, sparse array} of shape (n_samples, n_features) or (n_samples, n_samples)
        What `fit` was given.
    classes_ : ndarray of shape (n_classes,)
        The labels, without -1.
    label_distributions_ : ndarray of shape (n_samples, n_classes)
        F with rows of sum one.
    transduction_ : ndarray of shape (n_samples,)
        The most probable class of each sample.
    n_iter_ : int
        Steps of conjugate gradients; 1 where elimination alone solved the system.
    result_ : HarmonicResult
        D^{-1/2} F with status, violation, a bound of its error, and trace.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    References
    ----------
    .. [1] D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schoelkopf, "Learning with local and
       global consistency", NIPS 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from cycloid.semi_supervised import LabelSpreading
    >>> path = sparse.diags_array([1.0, 1.0], offsets=[1, -1], shape=(4, 4)).tocsr()
    >>> model = LabelSpreading(affinity="precomputed").fit(path, [0, -1, -1, 1])
    >>> model.transduction_
    array([0, 0, 1, 1])
    """

    def __init__(
        self,
        kernel: Kernel = "rbf",
        *,
        gamma: float = 20,
        n_neighbors: int = 7,
        alpha: float = 0.2,
        max_iter: int = 10_000,
        tol: float = 1e-10,
        n_jobs: int | None = None,
        affinity: str = "kernel",
        time_limit: float | None = None,
        callback: Callback | None = None,
    ) -> None:
        self.kernel = kernel
        self.gamma = gamma
        self.n_neighbors = n_neighbors
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs
        self.affinity = affinity
        self.time_limit = time_limit
        self.callback = callback

    def _solve(self, W: Any, known: NDArray[np.bool_], shares: NDArray[Any]) -> HarmonicResult:
        alpha = check_real("alpha", self.alpha, open_low=True, high=1.0)
        if alpha == 1.0:
            raise ValueError("alpha must be below 1; got 1.0")
        # In h = D^{-1/2} F the system is (D - alpha W) h = (1 - alpha) D^{1/2} Y: a field on the
        # weights alpha W that is drawn to D^{-1/2} Y with strength (1 - alpha) d.
        W = without_loops(W)
        degrees = np.asarray(W.sum(axis=1), dtype=np.float64).ravel()
        joined = degrees > 0
        roots = np.sqrt(np.where(joined, degrees, 1.0))[:, None]
        return solve_field(
            alpha * W,
            np.where(joined, (1 - alpha) * degrees, np.where(known, np.inf, 0.0)),
            shares / roots,
            shape=shares.shape,
            **self._controls(),
        )
