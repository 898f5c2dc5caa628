"""LabelPropagationRegressor: real-valued labels."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from cycloid._inputs import check_real
from cycloid._result import Callback
from cycloid.semi_supervised._graph import X_CHECKS, Graph, Kernel, warn_of_loose
from cycloid.semi_supervised._harmonic import solve_field


class LabelPropagationRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Real numbers for unlabelled samples by the harmonic function of a graph of all samples.

    With weights W_ij between samples i and j, minimise over f, for each target::

        sum_{i<j} W_ij (f_i - f_j)^2 + strength sum_{i: y_i known} (f_i - y_i)^2

    where an infinite strength means f_i = y_i [1]_: see `harmonic_function`.

    Parameters
    ----------
    kernel : {'rbf', 'knn'} or callable, default='rbf'
        See `LabelPropagation`.
    gamma : float, default=20
        Of the kernel 'rbf'.
    n_neighbors : int, default=7
        Of the kernel 'knn'.
    strength : float, default=inf
        What draws the labelled samples to their labels, > 0; inf holds them there.
    max_iter : int, default=10000
        Limit on the steps of conjugate gradients.
    tol : float, default=1e-10
        Stop where the norm of each target's residual is at most `tol` times that of its right-hand
        side.
    n_jobs : int, default=None
        Processes of the search for neighbours; see scikit-learn's `NearestNeighbors`.
    affinity : {'kernel', 'precomputed'}, default='kernel'
        'precomputed': `X` holds the weights W themselves, dense or sparse.
    time_limit : float, default=None
        Seconds after which the solve ends with the values reached.
    callback : callable, default=None
        Called with a row of the trace as a dict, at most every 50 ms. True stops the solve; an
        exception passes through unchanged.

    Attributes
    ----------
    X_ : {ndarray, sparse array} of shape (n_samples, n_features) or (n_samples, n_samples)
        What `fit` was given.
    transduction_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        The value of each sample.
    n_iter_ : int
        Steps of conjugate gradients; 1 where elimination alone solved the system.
    result_ : HarmonicResult
        Values with status, violation, a bound of their error, and trace.
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
    >>> from cycloid.semi_supervised import LabelPropagationRegressor
    >>> X = np.linspace(0, 1, 5)[:, None]
    >>> model = LabelPropagationRegressor("knn", n_neighbors=2)
    >>> model.fit(X, [1.0, np.nan, np.nan, np.nan, 3.0]).transduction_
    array([1. , 1.5, 2. , 2.5, 3. ])
    """

    def __init__(
        self,
        kernel: Kernel = "rbf",
        *,
        gamma: float = 20,
        n_neighbors: int = 7,
        strength: float = math.inf,
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
        self.strength = strength
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs
        self.affinity = affinity
        self.time_limit = time_limit
        self.callback = callback

    def fit(self, X: Any, y: Any) -> Self:
        """Find the values of all samples.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features) or (n_samples, n_samples)
            Samples, labelled and not; with `affinity="precomputed"` the graph's weights,
            non-negative and symmetric, whose diagonal does not matter.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Values; a row with a NaN has none.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TypeError
            If a parameter or an array has the wrong type.
        ValueError
            If one has a wrong value or shape, or infinity; if no sample has a value.

        Warns
        -----
        UserWarning
            If no path of the graph joins a sample to a labelled one.
        ConvergenceWarning
            If the residual stays above the tolerance; the message says why and what helps.
        """
        name = type(self).__name__
        if y is None:
            raise ValueError(f"{name} requires y to be passed, but the target y is None")
        X = validate_data(self, X, **X_CHECKS)
        y = check_array(y, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan",
                        input_name="y")  # fmt: skip
        check_consistent_length(X, y)
        if y.ndim > 2:
            raise ValueError(f"y must have one or two dimensions; got shape {y.shape}")
        columns = y.reshape(len(y), -1)
        known = ~np.isnan(columns).any(axis=1)
        if not known.any():
            raise ValueError("y must have a known value at one sample at least; got only NaN")
        strength = check_real("strength", self.strength, open_low=True)
        graph = Graph(X, self.affinity, self.kernel, self.gamma, self.n_neighbors, self.n_jobs)
        result = solve_field(
            graph.weights,
            np.where(known, strength, 0.0),
            np.where(known[:, None], columns, 0.0),
            shape=columns.shape,
            tol=self.tol,
            max_iter=self.max_iter,
            time_limit=self.time_limit,
            callback=self.callback,
            verbose=0,
            who=name,
        )
        loose = np.zeros(len(y), dtype=bool)
        loose[result.undetermined] = True
        warn_of_loose(name, loose, "the mean")
        mean = columns[known].mean(axis=0)
        values = np.where(loose[:, None], mean, result.values)
        self.X_ = X
        self.transduction_ = values.reshape(y.shape)
        self.n_iter_ = max(1, result.n_iter)
        self.result_ = result
        self._graph = graph
        self._mean = mean
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the values of new samples.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n, n_features) or (n, n_samples)
            New samples; with `affinity="precomputed"` the weights of their edges to the samples of
            the fit.

        Returns
        -------
        ndarray of shape (n,) or (n, n_targets)
            The mean of the values of the samples of the fit, weighted by the edges to them; the
            mean of the labels where there are none.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **X_CHECKS)
        values = self.transduction_
        found = self._graph.average(X, values.reshape(len(values), -1))
        found = np.where(np.isnan(found), self._mean, found)
        return found.reshape(len(found), *values.shape[1:])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.affinity == "precomputed"
        tags.input_tags.positive_only = self.affinity == "precomputed"
        tags.target_tags.multi_output = True
        return tags
