"""SinkhornTransport: one set of samples moved onto another, such as source onto target domain."""

from __future__ import annotations

import math
import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from cycloid._inputs import Vector, check_finite_real, check_option
from cycloid._result import caller_level
from cycloid.ot._inputs import as_masses
from cycloid.ot._measures import (
    COSTS,
    Matrix,
    cost_matrix,
    quietly,
    row_slices,
    solve_quietly,
)
from cycloid.ot._points import solve_clouds
from cycloid.ot._result import TransportResult, warn_unless_converged

_X_CHECKS: dict[str, Any] = {"dtype": [np.float64, np.float32]}
_UNLABELLED = -1  # POT's and scikit-learn's mark


class SinkhornTransport(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Domain adaptation by entropic optimal transport.

    Between the n source samples x_i of weights a and the m target samples z_j of weights b, both
    of total one, the plan P >= 0 with row sums a and column sums b minimises::

        sum_ij P_ij C_ij / s + reg_e * sum_ij P_ij (log(P_ij) - 1)

    where C_ij = c(x_i, z_j) for the cost c that `metric` names, and s is 1 or what `norm` says.
    The minimiser is P_ij = exp((f_i + g_j - C_ij) / (s reg_e)), and any point x, seen in `fit` or
    not, is moved to::

        T(x) = sum_j w_j(x) z_j,   w_j(x) proportional to exp((g_j - c(x, z_j)) / (s reg_e))

    the entropic map [2]_ [3]_. At a source sample that is the barycentre of what the plan sends
    from it, so samples of the training set and others share one smooth map. (POT offers it as
    ``out_of_sample_map='continuous'``; its other rule shifts a new point as its nearest source
    sample is, and jumps between neighbours.)

    The parameters have their names of POT's ``ot.da.SinkhornTransport``; the methods take
    scikit-learn's X and y where POT has Xs and ys, in the same order.

    Parameters
    ----------
    reg_e : float, default=1.0
        Strength of the entropy term, > 0, in the unit of the costs after `norm`. The smaller, the
        closer the map comes to the target samples themselves; the larger, to their mean.
    metric : {'sqeuclidean', 'euclidean', 'cityblock', 'cosine'}, default='sqeuclidean'
        Cost c of moving a unit of mass between two points.
    norm : {None, 'median', 'max'}, default=None
        Divide the costs by their median or maximum between source and target samples, in which
        weights count, so that `reg_e` has no unit.
    limit_max : float, default=10.0
        With labels of both sides: the cost of a pair of different classes, as a multiple of the
        largest cost. Finite, so that a plan exists also where the shares of the classes differ:
        then what is too much moves at this cost.
    max_iter : int, default=10000
        Limit on scaling sweeps and Newton steps.
    tol : float, default=1e-9
        Fitted when the L1 distance of both marginals of the plan to a and b is at most this.
    n_threads : int, default=None
        Number of threads of `fit`, with the same result for any; see `solve`.
    verbose : int, default=0
        1 prints a line each reported iteration.

    Attributes
    ----------
    Xs_ : ndarray of shape (n, n_features)
        Source samples.
    Xt_ : ndarray of shape (m, n_features)
        Target samples.
    result_ : TransportResult
        Potentials f and g, values, gap, violation, status and trace of the plan, for the costs C
        and ``reg = s reg_e``.
    cost_scale_ : float
        The number s.
    coupling_ : ndarray of shape (n, m)
        The plan, formed anew on each access; ``result_.plan_sparse()`` has it without its zeros.
    cost_ : ndarray of shape (n, m)
        The costs C / s, labels accounted for; formed anew on each access.
    n_iter_ : int
        Scaling sweeps and Newton steps.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has any that are all strings.

    See Also
    --------
    solve : The solver, for costs of any kind.

    References
    ----------
    .. [1] N. Courty, R. Flamary, D. Tuia, A. Rakotomamonjy, "Optimal transport for domain
       adaptation", IEEE Transactions on Pattern Analysis and Machine Intelligence 39(9), 2017.
    .. [2] V. Seguy, B. Damodaran, R. Flamary, N. Courty, A. Rolet, M. Blondel, "Large-scale
       optimal transport and mapping estimation", ICLR 2018.
    .. [3] A.-A. Pooladian, J. Niles-Weed, "Entropic estimation of optimal transport maps",
       arXiv:2109.12004, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.ot import SinkhornTransport
    >>> source, target = np.array([[0.0], [1.0], [2.0]]), np.array([[10.0], [12.0], [14.0]])
    >>> model = SinkhornTransport(reg_e=0.1).fit(source, Xt=target)
    >>> model.transform(source).round(2).ravel()
    array([10., 12., 14.])
    >>> model.inverse_transform([[12.0], [13.0]]).round(2).ravel()
    array([1. , 1.5])
    """

    result_: TransportResult

    def __init__(
        self,
        reg_e: float = 1.0,
        *,
        metric: str = "sqeuclidean",
        norm: str | None = None,
        limit_max: float = 10.0,
        max_iter: int = 10_000,
        tol: float = 1e-9,
        n_threads: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.reg_e = reg_e
        self.metric = metric
        self.norm = norm
        self.limit_max = limit_max
        self.max_iter = max_iter
        self.tol = tol
        self.n_threads = n_threads
        self.verbose = verbose

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        Xt: ArrayLike | None = None,
        yt: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        target_weight: ArrayLike | None = None,
    ) -> Self:
        """Find the plan between source and target samples.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Source samples.
        y : array-like of shape (n,), default=None
            Classes of the source samples; -1 where it is not known. Without `yt` they have no
            effect: any may move to any.
        Xt : array-like of shape (m, n_features), default=None
            Target samples. None: X itself, with its weights and without classes, and a
            UserWarning, since that is rarely meant. The map then smooths X by its own density,
            and ``T(x) - T_self(x) + x`` is the map without the bias of the entropy.
        yt : array-like of shape (m,), default=None
            Classes of the target samples; -1 where it is not known. Pairs of samples of two
            known and different classes have the cost that `limit_max` says.
        sample_weight, target_weight : array-like of shape (n,) and (m,), default=None
            Non-negative weights of the samples, each divided by their sum; None: all equal.

        Returns
        -------
        SinkhornTransport
            Itself.

        Warns
        -----
        UserWarning
            If there is no `Xt`.
        ConvergenceWarning
            If the violation of the marginals stays above `tol`.
        """
        reg = check_finite_real("reg_e", self.reg_e, open_low=True)
        limit_max = check_finite_real("limit_max", self.limit_max, open_low=True)
        check_option("metric", self.metric, COSTS)
        check_option("norm", self.norm, (None, "median", "max"))
        source = validate_data(self, X, **_X_CHECKS)
        if Xt is None:
            if yt is not None or target_weight is not None:
                raise ValueError("yt and target_weight are about target samples; got no Xt")
            warnings.warn(
                "SinkhornTransport.fit got no target samples Xt, so X is transported onto itself; "
                "pass Xt=X if that is meant",
                stacklevel=caller_level(),
            )
            target, y, target_weight = source, None, sample_weight
        else:
            target = self._as_target(Xt)
        a = as_masses("sample_weight", sample_weight, len(source), "one weight a row of X")
        b = as_masses("target_weight", target_weight, len(target), "one weight a row of Xt")
        a, b = a / a.sum(), b / b.sum()
        classes = _as_classes(("y", y, len(source)), ("yt", yt, len(target)))
        options: dict[str, Any] = {
            "tol": self.tol,
            "max_iter": self.max_iter,
            "n_threads": self.n_threads,
            "verbose": self.verbose,
        }
        if self.norm is None and classes[0] is None:
            scale, limit = 1.0, math.inf
            with quietly():
                result = solve_clouds(source, target, a, b, reg, self.metric, **options)
        else:
            costs = cost_matrix(source, target, self.metric)
            scale, limit = _scale(costs, a, b, self.norm), limit_max * _largest(costs, a, b)
            _part(costs, *classes, limit)
            result = solve_quietly(a, b, costs, reg * scale, **options)
        self.Xs_, self.Xt_, self._classes, self._limit = source, target, classes, limit
        self.cost_scale_, self.result_, self.n_iter_ = scale, result, result.n_iter
        warn_unless_converged("SinkhornTransport.fit", result)
        return self

    def transform(self, X: ArrayLike, y: ArrayLike | None = None) -> NDArray[Any]:
        """Move source points to the target domain.

        Parameters
        ----------
        X : array-like of shape (k, n_features)
            Any points: samples of `fit` move to their barycentric images.
        y : array-like of shape (k,), default=None
            Their classes, as in `fit`; None: not known.

        Returns
        -------
        ndarray of shape (k, n_features)
            T(x), in the precision of X. Never more than one block of rows of the k x m weights is
            in memory.
        """
        check_is_fitted(self, "result_")
        points = validate_data(self, X, reset=False, **_X_CHECKS)
        classes = _as_classes(("y", y, len(points)), ("yt", self._classes[1], len(self.Xt_)))
        return self._barycentres(points, self.Xt_, classes, self.result_.g)

    def inverse_transform(self, Xt: ArrayLike, yt: ArrayLike | None = None) -> NDArray[Any]:
        """Move target points to the source domain, by the same plan read the other way.

        Parameters
        ----------
        Xt : array-like of shape (k, n_features)
            Any points.
        yt : array-like of shape (k,), default=None
            Their classes, as in `fit`; None: not known.

        Returns
        -------
        ndarray of shape (k, n_features)
            The barycentres ``sum_i w_i(z) x_i`` with w_i(z) proportional to
            ``exp((f_i - c(x_i, z)) / (s reg_e))``. It is the inverse of `transform` only as
            `reg_e` goes to zero.
        """
        check_is_fitted(self, "result_")
        points = self._as_target(Xt)
        classes = _as_classes(("yt", yt, len(points)), ("y", self._classes[0], len(self.Xs_)))
        return self._barycentres(points, self.Xs_, classes, self.result_.f)

    def fit_transform(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        Xt: ArrayLike | None = None,
        yt: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        target_weight: ArrayLike | None = None,
    ) -> NDArray[Any]:
        """``fit(X, y, Xt, yt, ...)``, then ``transform(X, y)``."""
        self.fit(X, y, Xt, yt, sample_weight=sample_weight, target_weight=target_weight)
        images: NDArray[Any] = self.transform(X, y)
        return images

    @property
    def coupling_(self) -> Matrix:
        return self.result_.plan()

    @property
    def cost_(self) -> Matrix:
        costs = cost_matrix(self.Xs_, self.Xt_, self.metric)
        _part(costs, *self._classes, self._limit)
        costs /= self.cost_scale_
        return costs

    def _as_target(self, Xt: Any) -> NDArray[Any]:
        checked: NDArray[Any] = check_array(Xt, input_name="Xt", **_X_CHECKS)
        if checked.shape[1] != self.n_features_in_:
            raise ValueError(
                f"Xt must have {self.n_features_in_} features, as X has; got {checked.shape[1]}"
            )
        validate_data(self, Xt, reset=False, skip_check_array=True)  # names of columns
        return checked

    def _barycentres(
        self, points: Matrix, anchors: Matrix, classes: _Classes, potential: Vector
    ) -> NDArray[Any]:
        """Means of the anchors, for each point, by the weights that the potential gives them."""
        images = np.empty_like(points)
        own, others = classes
        for rows in row_slices(len(points), len(anchors)):
            weights = cost_matrix(points[rows], anchors, self.metric)
            _part(weights, None if own is None else own[rows], others, self._limit)
            np.subtract(potential, weights, out=weights)
            weights -= weights.max(axis=1, keepdims=True)
            weights /= self.result_.reg
            np.exp(weights, out=weights)
            images[rows] = (weights @ anchors) / weights.sum(axis=1, keepdims=True)
        return images

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


_Classes = tuple[NDArray[Any] | None, NDArray[Any] | None]


def _as_classes(first: tuple[str, Any, int], second: tuple[str, Any, int]) -> _Classes:
    """Classes of both sides, each given with its name and length.

    A pair of None where one side has none, since then nothing differs.
    """
    if first[1] is None or second[1] is None:
        return None, None
    sides = column_or_1d(first[1]), column_or_1d(second[1])
    for (name, _, length), side in zip((first, second), sides, strict=True):
        if len(side) != length:
            raise ValueError(f"{name} must have length {length}; got {len(side)}")
    kinds = ["text" if side.dtype.kind in "OUS" else "numbers" for side in sides]
    if kinds[0] != kinds[1]:
        raise TypeError(f"y and yt must hold classes of one kind; got {first[0]} of {kinds[0]} and "
                        f"{second[0]} of {kinds[1]}")  # fmt: skip
    return sides


def _part(
    costs: Matrix, first: NDArray[Any] | None, second: NDArray[Any] | None, limit: float
) -> None:
    """Write `limit` where two known classes differ."""
    if first is None or second is None:
        return
    differ = np.not_equal.outer(first, second)
    differ[first == _UNLABELLED] = False
    differ[:, second == _UNLABELLED] = False
    costs[differ] = limit


def _scale(costs: Matrix, a: Vector, b: Vector, norm: str | None) -> float:
    largest = _largest(costs, a, b)
    if norm is None or largest == 0:  # all points in one place: nothing to normalise
        return 1.0
    scale = largest if norm == "max" else _median(costs, a, b)
    if scale == 0:
        raise ValueError("norm='median' needs a positive median of the costs; got 0. Use 'max'")
    return scale


def _largest(costs: Matrix, a: Vector, b: Vector) -> float:
    """Largest cost between samples with weight."""
    return float(costs[a > 0].max(axis=0)[b > 0].max())


def _median(costs: Matrix, a: Vector, b: Vector) -> float:
    """Median of the costs, each as often as the weights of its samples say."""
    if (a == a[0]).all() and (b == b[0]).all():
        return float(np.median(costs))
    flat = costs.ravel()
    order = np.argsort(flat)
    below = np.cumsum(np.multiply.outer(a, b).ravel()[order])
    # Where exactly half lies below a value, up to rounding, its two neighbours share the median.
    middle = np.searchsorted(below, [0.5 - 1e-9, 0.5 + 1e-9])
    return float(flat[order[np.minimum(middle, flat.size - 1)]].mean())
