"""Problems of block coordinate descent: what is minimised, written down."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from cycloid._inputs import Vector, as_codes, as_design, as_signs, check_finite_real
from cycloid.optimize._positive_definite import as_symmetric

__all__ = ["BlockProblem", "LeastSquares", "Logistic", "Quadratic", "Softmax"]


@dataclass(frozen=True, eq=False)
class CoreProblem:
    """A checked problem, as the core takes it."""

    kind: str
    A: Any
    b: Vector
    shape: tuple[int, ...]
    n_classes: int
    l1: Vector
    l2: float
    lower: Vector
    upper: Vector

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def smooth(self) -> bool:
        return not self.l1.any() and self.unbounded

    @property
    def unbounded(self) -> bool:
        return bool(np.isneginf(self.lower).all() and np.isposinf(self.upper).all())


@dataclass(frozen=True, eq=False)
class _Linear:
    """The fields of the problems over a matrix of samples."""

    A: Any = field(repr=False)
    b: Any = field(repr=False)
    l1: ArrayLike = 0.0
    l2: float = 0.0
    lower: ArrayLike = -math.inf
    upper: ArrayLike = math.inf

    kind: ClassVar[str]

    def checked(self) -> CoreProblem:
        """The problem as the core takes it; TypeError or ValueError for what is wrong."""
        A = as_design(self.A)
        b, n_classes = self._targets(A.shape[0])
        shape = (A.shape[1],) if n_classes == 0 else (A.shape[1], n_classes)
        return CoreProblem(
            kind=self.kind,
            A=A,
            b=b,
            shape=shape,
            n_classes=n_classes,
            l2=check_finite_real("l2", self.l2),
            **_separable(self.l1, self.lower, self.upper, shape),
        )

    def _targets(self, n_samples: int) -> tuple[Vector, int]:
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class LeastSquares(_Linear):
    """Least squares, with or without an L1 penalty and bounds.

    Over x of shape (n_features,)::

        1/2 |A x - b|^2 + l2/2 |x|^2 + sum_j l1_j |x_j|,   lower <= x <= upper

    Sums, not means over samples.

    Parameters
    ----------
    A : {array, sparse array} of shape (n_samples, n_features)
        float64 or float32 are viewed, not copied; best stored by columns (CSC, Fortran order).
    b : array-like of shape (n_samples,)
        Targets.
    l1 : float or array-like of shape (n_features,), default=0.0
        Strength of the L1 penalty, of all coordinates or of each.
    l2 : float, default=0.0
        Strength of the squared penalty.
    lower, upper : float or array-like of shape (n_features,), default=-inf, inf
        Bounds.

    Examples
    --------
    >>> from cycloid.optimize import LeastSquares, block_coordinate_descent
    >>> problem = LeastSquares([[2.0, 0.0], [0.0, 1.0]], [2.0, -1.0], lower=0)
    >>> block_coordinate_descent(problem).x
    array([1., 0.])
    """

    kind = "least-squares"

    def _targets(self, n_samples: int) -> tuple[Vector, int]:
        return _vector("b", self.b, n_samples), 0


@dataclass(frozen=True, eq=False)
class Logistic(_Linear):
    """Logistic loss of two classes.

    Over x of shape (n_features,), with s_i = 1 for samples of the second of the sorted classes in b
    and -1 for those of the first::

        sum_i log(1 + exp(-s_i a_i'x)) + l2/2 |x|^2 + sum_j l1_j |x_j|,   lower <= x <= upper

    Parameters
    ----------
    A : {array, sparse array} of shape (n_samples, n_features)
        float64 or float32 are viewed, not copied; best stored by columns (CSC, Fortran order).
    b : array-like of shape (n_samples,)
        Labels, of two classes.
    l1 : float or array-like of shape (n_features,), default=0.0
        Strength of the L1 penalty, of all coordinates or of each.
    l2 : float, default=0.0
        Strength of the squared penalty. With neither penalty nor bounds there is no minimum if the
        classes can be separated.
    lower, upper : float or array-like of shape (n_features,), default=-inf, inf
        Bounds.

    Examples
    --------
    >>> from cycloid.optimize import Logistic, block_coordinate_descent
    >>> problem = Logistic([[1.0], [2.0], [-1.0]], ["no", "yes", "no"], l2=0.1)
    >>> block_coordinate_descent(problem).x.round(2)
    array([0.69])
    """

    kind = "logistic"

    def _targets(self, n_samples: int) -> tuple[Vector, int]:
        return np.ascontiguousarray(as_signs(self.b, n_samples)[1]), 0


@dataclass(frozen=True, eq=False)
class Softmax(_Linear):
    """Multinomial logistic loss.

    Over x of shape (n_features, n_classes), whose columns x_c belong to the sorted classes in b,
    and c_i the class of sample i::

        sum_i (log sum_c exp(a_i'x_c) - a_i'x_{c_i}) + l2/2 |x|^2 + sum_jc l1_jc |x_jc|,
        lower <= x <= upper

    Parameters
    ----------
    A : {array, sparse array} of shape (n_samples, n_features)
        float64 or float32 are viewed, not copied; best stored by columns (CSC, Fortran order).
    b : array-like of shape (n_samples,)
        Labels, of two classes or more.
    l1 : float or array-like of shape (n_features, n_classes), default=0.0
        Strength of the L1 penalty, of all coordinates or of each.
    l2 : float, default=0.0
        Strength of the squared penalty.
    lower, upper : float or array-like of shape (n_features, n_classes), default=-inf, inf
        Bounds.

    Examples
    --------
    >>> from cycloid.optimize import Softmax, block_coordinate_descent
    >>> problem = Softmax([[1.0], [2.0], [-1.0]], ["a", "b", "c"], l2=1.0)
    >>> block_coordinate_descent(problem).x.round(2)
    array([[ 0.2 ,  0.49, -0.69]])
    """

    kind = "softmax"

    def _targets(self, n_samples: int) -> tuple[Vector, int]:
        classes, codes = as_codes(self.b, n_samples)
        return codes.astype(np.float64), len(classes)


@dataclass(frozen=True, eq=False)
class Quadratic:
    """A convex quadratic function with a sparse matrix: a field on a graph.

    Over x of shape (n,)::

        1/2 x'A x - b'x + sum_j l1_j |x_j|,   lower <= x <= upper

    Parameters
    ----------
    A : {sparse array, array} of shape (n, n)
        Symmetric and positive semi-definite. Its graph has an edge for each pair of rows and
        columns whose entry is not zero.
    b : array-like of shape (n,)
        Minus the gradient at zero.
    l1 : float or array-like of shape (n,), default=0.0
        Strength of the L1 penalty, of all coordinates or of each.
    lower, upper : float or array-like of shape (n,), default=-inf, inf
        Bounds.

    Examples
    --------
    A chain of springs, held at its ends:

    >>> import numpy as np
    >>> from scipy import sparse
    >>> from cycloid.optimize import Quadratic, block_coordinate_descent
    >>> A = sparse.diags_array([-1.0, 2.0, -1.0], offsets=(-1, 0, 1), shape=(4, 4))
    >>> block_coordinate_descent(Quadratic(A, [0.0, 0.0, 0.0, 5.0])).x.round(6)
    array([1., 2., 3., 4.])
    """

    A: Any = field(repr=False)
    b: Any = field(repr=False)
    l1: ArrayLike = 0.0
    lower: ArrayLike = -math.inf
    upper: ArrayLike = math.inf

    def checked(self) -> CoreProblem:
        """The problem as the core takes it; TypeError or ValueError for what is wrong."""
        A = _semi_definite(self.A)
        shape = (A.shape[0],)
        return CoreProblem(
            kind="quadratic",
            A=A,
            b=_vector("b", self.b, A.shape[0]),
            shape=shape,
            n_classes=0,
            l2=0.0,
            **_separable(self.l1, self.lower, self.upper, shape),
        )


BlockProblem: TypeAlias = LeastSquares | Logistic | Softmax | Quadratic


# -------------------------------------------------------------------------------------- the checks


def _vector(name: str, values: Any, length: int) -> Vector:
    array = check_array(values, dtype=np.float64, ensure_2d=False, input_name=name)
    if array.shape != (length,):
        raise ValueError(f"{name} must have shape ({length},); got {array.shape}")
    return np.ascontiguousarray(array)


def _semi_definite(A: Any) -> Any:
    """A as the core views it. Of a negative eigenvalue a negative diagonal is the plain sign."""
    A = as_symmetric(A, "A")
    diagonal = A.diagonal()
    negative = np.flatnonzero(diagonal < 0)
    if negative.size:
        raise ValueError(
            "A must be positive semi-definite; its diagonal holds "
            f"{diagonal[negative[0]]:g} at index {negative[0]}"
        )
    return A


def _separable(
    l1: Any, lower: Any, upper: Any, shape: tuple[int, ...]
) -> dict[str, NDArray[np.float64]]:
    parts = {
        name: _each(name, values, shape)
        for name, values in (("l1", l1), ("lower", lower), ("upper", upper))
    }
    if (parts["l1"] < 0).any() or np.isinf(parts["l1"]).any():
        raise ValueError(f"l1 must be non-negative and finite; got {l1!r}")
    if (parts["lower"] > parts["upper"]).any():
        raise ValueError("lower must not be above upper")
    if np.isposinf(parts["lower"]).any() or np.isneginf(parts["upper"]).any():
        raise ValueError("lower must be below inf, and upper above -inf")
    return parts


def _each(name: str, values: Any, shape: tuple[int, ...]) -> Vector:
    """One number for all coordinates, or one each."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers; got {values!r}")
    if array.ndim and array.shape != shape:
        raise ValueError(f"{name} must be a number or have shape {shape}; got {array.shape}")
    flat = np.ascontiguousarray(array, dtype=np.float64).ravel()
    if np.isnan(flat).any():
        raise ValueError(f"{name} contains NaN")
    return flat
