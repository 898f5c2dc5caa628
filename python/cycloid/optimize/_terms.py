"""The objective and each constraint as one thing: a function of x with a vector value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import HessianUpdateStrategy
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from cycloid._inputs import Vector
from cycloid.optimize import _differences
from cycloid.optimize._arrays import (
    Exact,
    Library,
    as_library,
    as_numpy,
    double_precision,
    library_of,
)
from cycloid.optimize._differences import SCHEMES, Scheme

# An ndarray, a csc_array or a LinearOperator.
Matrix: TypeAlias = Any


@dataclass(frozen=True, eq=False)
class Term:
    """A function of n unknowns with `size` components.

    jacobian(x) is size x n; hessian(x, v) is the n x n Hessian of ``v @ value``, None of a linear
    function. `approximated` says which derivatives are differences because none were given.
    """

    size: int
    value: Callable[[Vector], Vector]
    jacobian: Callable[[Vector], Matrix]
    hessian: Callable[[Vector, Vector], Matrix] | None
    approximated: tuple[str, ...] = ()


@dataclass(eq=False)
class Function:
    """What a user gave for one term, called with arrays of the library it is written with.

    The last value is kept: the core asks again for what differences have just computed.
    """

    name: str
    fun: Callable[..., Any]
    args: tuple[Any, ...]
    library: Library
    scalar: bool = False
    size: int | None = None
    calls: int = 0
    _last: tuple[Vector, Vector] | None = field(default=None, repr=False)

    def __call__(self, x: Vector) -> Vector:
        if self._last is not None and np.array_equal(self._last[0], x):
            return self._last[1]
        self.calls += 1
        value = self.call(self.fun, x)
        if library_of(value) != "numpy" and self.library == "numpy":
            self.library = library_of(value)  # what it is written with shows in what it returns
            value = self.call(self.fun, x)
        result = self._checked(as_numpy(value), complex_step=np.iscomplexobj(x))
        self._last = (x.copy(), result)
        return result

    def call(self, function: Callable[..., Any], x: Vector, *more: Any) -> Any:
        with double_precision(self.library):
            given = [as_library(self.library, part) for part in (x, *more)]
            return function(*given, *self.args)

    def _checked(self, value: NDArray[Any], complex_step: bool) -> Vector:
        if value.dtype.kind not in ("biufc" if complex_step else "biuf"):
            raise TypeError(
                f"{self.name} must return real numbers; got {value!r} of type {value.dtype}"
            )
        if (value.size != 1) if self.scalar else (value.ndim > 1):
            expected = "one number" if self.scalar else "a vector or a number"
            raise ValueError(f"{self.name} must return {expected}; got shape {value.shape}")
        value = value.reshape(-1).astype(np.complex128 if complex_step else np.float64)
        if self.size is not None and value.size != self.size:
            raise ValueError(
                f"{self.name} must return {self.size} values, as at x0; got {value.size}"
            )
        self.size = value.size
        return value


def make_term(function: Function, jac: Any, hess: Any, x0: Vector) -> Term:
    """A term from what SciPy takes for `jac` and `hess`; hess(x, v) of ``v @ fun``."""
    size = function(x0).size
    name, n = function.name, x0.size
    check_hessian(name, hess)
    exact = Exact(function.library, _bound(function)) if function.library != "numpy" else None
    missing = []
    if callable(jac):
        jacobian = _called_jacobian(function, jac, (size, n))
    elif isinstance(jac, str) and jac in SCHEMES:
        jacobian = _difference(function, jac)
    elif jac is None or jac is False:
        if exact is None:
            missing.append("jac")
        jacobian = _difference(function, "3-point") if exact is None else exact.jacobian
    else:
        listed = ", ".join(repr(scheme) for scheme in SCHEMES)
        raise ValueError(f"jac of {name} must be callable, None or one of {listed}; got {jac!r}")
    hessian: Callable[[Vector, Vector], Matrix]
    if callable(hess) and not isinstance(hess, HessianUpdateStrategy):
        hessian = _called_hessian(function, hess, n)
    elif isinstance(hess, str):
        hessian = _difference_of_gradient(jacobian, hess, None)
    elif exact is not None:
        hessian = exact.hessian
    else:
        missing.append("hess")
        step = None if callable(jac) else _differences.COARSE_STEP
        hessian = _difference_of_gradient(jacobian, "3-point", step)
    return Term(size, function, jacobian, hessian, tuple(missing))


def check_hessian(name: str, hess: Any) -> None:
    known = hess is None or callable(hess) or (isinstance(hess, str) and hess in SCHEMES)
    # Also SciPy's update strategies (BFGS, SR1), which count as missing.
    if not known and not isinstance(hess, HessianUpdateStrategy):
        listed = ", ".join(repr(scheme) for scheme in SCHEMES)
        raise ValueError(f"hess of {name} must be callable, None or one of {listed}; got {hess!r}")


def linear_term(A: Matrix, b: Vector) -> Term:
    """A x - b."""
    return Term(A.shape[0], lambda x: A @ x - b, lambda x: A, None)


def _bound(function: Function) -> Callable[[Any], Any]:
    return lambda x: function.fun(x, *function.args)


def _difference(function: Function, scheme: Scheme) -> Callable[[Vector], Matrix]:
    return lambda x: _differences.jacobian(function, x, scheme)


def _called_jacobian(
    function: Function, jac: Callable[..., Any], shape: tuple[int, int]
) -> Callable[[Vector], Matrix]:
    def jacobian(x: Vector) -> Matrix:
        return as_matrix(f"jac of {function.name}", function.call(jac, x), shape)

    return jacobian


def _called_hessian(
    function: Function, hess: Callable[..., Any], n: int
) -> Callable[[Vector, Vector], Matrix]:
    def hessian(x: Vector, v: Vector) -> Matrix:
        return as_matrix(f"hess of {function.name}", function.call(hess, x, v), (n, n))

    return hessian


def _difference_of_gradient(
    jacobian: Callable[[Vector], Matrix], scheme: Any, step: float | None
) -> Callable[[Vector, Vector], Matrix]:
    def hessian(x: Vector, v: Vector) -> Matrix:
        raw = _differences.jacobian(lambda point: jacobian(point).T @ v, x, scheme, step)
        return (raw + raw.T) / 2

    return hessian


def as_matrix(name: str, value: Any, shape: tuple[int, int]) -> Matrix:
    """A matrix that a callable returned: dense, csc_array or LinearOperator, of that shape.

    A vector stands for a matrix of one row.
    """
    if not isinstance(value, LinearOperator) and not sparse.issparse(value):
        value = as_numpy(value)
        if value.ndim < 2 and shape[0] == 1:
            value = value.reshape(1, -1)
    if value.shape != shape:
        raise ValueError(f"{name} must return shape {shape}; got {value.shape}")
    if isinstance(value, LinearOperator):
        return value
    if sparse.issparse(value):
        matrix = sparse.csc_array(value)
        if matrix.dtype.kind not in "biufc":
            raise TypeError(f"{name} must return real numbers; got {matrix.dtype}")
        return matrix if np.iscomplexobj(matrix) else matrix.astype(np.float64, copy=False)
    if value.dtype.kind not in "biufc":
        raise TypeError(f"{name} must return real numbers; got an array of {value.dtype}")
    return value if np.iscomplexobj(value) else value.astype(np.float64, copy=False)


# ------------------------------------------------------------------------------ several matrices


def stack(parts: Sequence[Matrix]) -> Matrix:
    """One above the other; sparse if one is, an operator if one is."""
    if len(parts) == 1:
        return parts[0]
    if any(isinstance(part, LinearOperator) for part in parts):
        return _stacked_operator([aslinearoperator(part) for part in parts])
    if any(sparse.issparse(part) for part in parts):
        return sparse.vstack(parts, format="csc")
    return np.vstack(parts)


def _stacked_operator(parts: list[LinearOperator]) -> LinearOperator:
    ends = np.cumsum([part.shape[0] for part in parts])[:-1]
    return LinearOperator(
        (sum(part.shape[0] for part in parts), parts[0].shape[1]),
        matvec=lambda v: np.concatenate([part @ v for part in parts]),
        rmatvec=lambda v: sum(
            part.rmatvec(piece) for part, piece in zip(parts, np.split(v, ends), strict=True)
        ),
        dtype=np.float64,
    )


def add(parts: Sequence[Matrix], n: int) -> Matrix:
    """The sum of n x n matrices: dense if one is, an operator if one is; sparse zeros of none."""
    if not parts:
        return sparse.csc_array((n, n), dtype=np.float64)
    if any(isinstance(part, LinearOperator) for part in parts):
        operators = [aslinearoperator(part) for part in parts]
        return LinearOperator(
            (n, n), matvec=lambda v: sum(part @ v for part in operators), dtype=np.float64
        )
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
