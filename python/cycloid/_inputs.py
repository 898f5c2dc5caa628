"""What people pass, turned into what the core can view, or a clear error.

Every message names the argument, what was expected and what was got. Nothing here ever writes to
what it is given.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias

import joblib
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import assert_all_finite, check_array, check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d

from cycloid import _core

Vector: TypeAlias = NDArray[np.float64]

# How X enters scikit-learn's `check_array` and `validate_data`. The core looks for NaN and infinity
# in its own first pass, so X is not read a second time here; y and the weights are checked.
X_CHECKS: dict[str, Any] = {
    "accept_sparse": ("csc", "csr"),
    "accept_large_sparse": True,
    "dtype": [np.float64, np.float32],
    "ensure_all_finite": False,
}

GramMode: TypeAlias = Literal["auto", "always", "never"]
GRAM_MODES: dict[Any, GramMode] = {"auto": "auto", True: "always", False: "never"}


# ---------------------------------------------------------------------------------------- scalars


def check_real(
    name: str, value: Any, *, low: float = 0.0, high: float = math.inf, open_low: bool = False
) -> float:
    """`value` as a float in [low, high], or (low, high] with `open_low`; infinity only if high."""
    expected = f"a number {'>' if open_low else '>='} {low:g}"
    if high < math.inf:
        expected += f" and <= {high:g}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {expected}; got {value!r} of type {type(value).__name__}")
    number = float(value)
    if not (low < number if open_low else low <= number) or not number <= high:  # NaN fails too
        raise ValueError(f"{name} must be {expected}; got {value!r}")
    return number


def check_finite_real(name: str, value: Any, **bounds: Any) -> float:
    number = check_real(name, value, **bounds)
    if math.isinf(number):
        raise ValueError(f"{name} must be finite; got {value!r}")
    return number


def check_integer(name: str, value: Any, *, low: int) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(
            f"{name} must be an integer >= {low}; got {value!r} of type {type(value).__name__}"
        )
    if int(value) < low:
        raise ValueError(f"{name} must be an integer >= {low}; got {value!r}")
    return int(value)


def check_flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False; got {value!r}")
    return bool(value)


def check_option(name: str, value: Any, options: Sequence[str | None]) -> Any:
    if not (value is None or isinstance(value, str)) or value not in options:
        listed = ", ".join(repr(option) for option in options)
        raise ValueError(f"{name} must be one of {listed}; got {value!r}")
    return value


def check_gram(precompute: Any) -> GramMode:
    """The core's Gram mode for scikit-learn's `precompute`."""
    if isinstance(precompute, bool | np.bool_ | str) and precompute in GRAM_MODES:
        return GRAM_MODES[precompute]
    if isinstance(precompute, str):
        raise ValueError(f"precompute must be 'auto', True or False; got {precompute!r}")
    raise TypeError(
        "precompute must be 'auto', True or False; a Gram matrix computed by the caller is not "
        f"supported, got {type(precompute).__name__}. Cycloid computes its own where it pays"
    )


def check_seed(selection: Any, random_state: Any) -> int:
    """The core's seed: -1 for the cyclic order of coordinates, else a non-negative integer."""
    check_random_state(random_state)
    if check_option("selection", selection, ("cyclic", "random")) == "cyclic":
        return -1
    return as_seed(random_state)


def as_seed(random_state: Any) -> int:
    """A seed of the core's random numbers."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def thread_count(n_threads: Any = None) -> int:
    """How many threads a solve may use.

    None: the environment variable CYCLOID_NUM_THREADS, else the CPUs that this process may use,
    never more than OpenMP's own limit (OMP_NUM_THREADS, threadpoolctl). Negative numbers count
    from the end as joblib's do: -1 all CPUs, -2 all but one.
    """
    if n_threads is None:
        variable = os.environ.get("CYCLOID_NUM_THREADS")
        if not variable:
            return max(1, min(_core.max_threads(), int(joblib.cpu_count())))
        if not variable.isdecimal() or int(variable) == 0:
            raise ValueError(f"CYCLOID_NUM_THREADS must be an integer >= 1; got {variable!r}")
        return int(variable)
    if isinstance(n_threads, bool | np.bool_) or not isinstance(n_threads, Integral):
        raise TypeError(f"n_threads must be an integer or None; got {n_threads!r}")
    count = int(n_threads)
    if count == 0:
        raise ValueError("n_threads must be a positive or negative integer or None; got 0")
    return count if count > 0 else max(1, int(joblib.cpu_count()) + 1 + count)


def job_count(n_jobs: Any) -> int:
    """scikit-learn's `n_jobs`: None is 1 unless in a joblib context, -1 all CPUs."""
    if n_jobs is not None and (isinstance(n_jobs, bool) or not isinstance(n_jobs, Integral)):
        raise TypeError(f"n_jobs must be an integer or None; got {n_jobs!r}")
    if n_jobs == 0:
        raise ValueError("n_jobs must be a positive or negative integer or None; got 0")
    return int(joblib.effective_n_jobs(n_jobs))


# ----------------------------------------------------------------------------------------- arrays


def as_design(X: Any) -> Any:
    """X as the core views it: see `viewable`; TypeError or ValueError if X is no such thing."""
    return viewable(check_array(X, input_name="X", **X_CHECKS))


def viewable(X: Any) -> Any:
    """A checked X, copied only where its memory layout is beyond a view.

    Dense: one unit stride and no negative stride, so a transpose, a slice of rows or of columns
    is viewed, every second column is copied. Sparse: CSC or CSR, canonical.
    """
    return _canonical(X) if sparse.issparse(X) else _strided(X)


def _strided(X: NDArray[Any]) -> NDArray[Any]:
    size = X.itemsize
    regular = X.flags.aligned and all(stride % size == 0 for stride in X.strides)
    for axis in (0, 1):
        # Stored along this axis, the lines one after the other and apart.
        apart = X.strides[1 - axis] >= X.shape[axis] * size
        if regular and X.strides[axis] == size and apart:
            return X
    return np.array(X, order="K", copy=True)


def _canonical(X: Any) -> Any:
    container = sparse.csc_array if X.format == "csc" else sparse.csr_array
    view = container(X.shape, dtype=X.dtype)
    # Assigned rather than passed to the constructor, which copies int64 indices into int32 ones;
    # and a container of our own carries no cached "is sorted" of a caller who wrote to X since.
    view.data, view.indices, view.indptr = X.data, X.indices, X.indptr
    try:
        view.check_format(full_check=True)
    except ValueError as error:
        raise ValueError(f"X is not a valid sparse {X.format.upper()} array: {error}") from error
    if not view.has_canonical_format:
        view = view.copy()
        view.sum_duplicates()
    return view


def as_target(y: Any, n_samples: int) -> Vector:
    """A real target of shape (n_samples,), float64 and contiguous."""
    y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
    if y.ndim == 2 and y.shape[1] > 1:
        raise ValueError(
            f"y must have shape (n_samples,); got {y.shape}. Fit one target at a time; the "
            "estimators Lasso and ElasticNet take several"
        )
    y = column_or_1d(y, warn=True)
    _check_length("y", y, n_samples, "one value a row of X")
    return _contiguous(y)


def as_signs(y: Any, n_samples: int | None = None) -> tuple[NDArray[Any], Vector]:
    """The two sorted classes of y, and y as -1 and +1."""
    classes, codes = as_codes(y, n_samples)
    if len(classes) > 2:
        raise ValueError(
            "Only binary classification is supported. The type of the target is multiclass: y has "
            f"{len(classes)} classes. LogisticRegression and multinomial_path fit a multinomial "
            "model"
        )
    return classes, np.where(codes == 1, 1.0, -1.0)


def as_codes(y: Any, n_samples: int | None = None) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The sorted classes of y, two at least, and y as indices of them."""
    y = column_or_1d(y, warn=True)
    if n_samples is not None:
        _check_length("y", y, n_samples, "one label a row of X")
    assert_all_finite(y, input_name="y")
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            f"Unknown label type: {kind}. y must hold the labels of classes, not numbers of a "
            "continuous scale; did you mean a regression?"
        )
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y must hold samples of two classes; got one class only: {classes[0]!r}")
    return classes, codes


def as_weights(sample_weight: Any, n_samples: int) -> Vector | None:
    """Non-negative sample weights of shape (n_samples,) with a positive sum; a scalar repeats."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_samples, sample_weight)
    weights = check_array(
        sample_weight, dtype=np.float64, ensure_2d=False, input_name="sample_weight"
    )
    if weights.ndim != 1:
        raise ValueError(f"sample_weight must have shape (n_samples,); got {weights.shape}")
    _check_length("sample_weight", weights, n_samples, "one weight a row of X")
    _non_negative("sample_weight", weights)
    if not weights.any():
        raise ValueError("sample_weight must have a positive sum; got only zeros")
    return _contiguous(weights)


def as_penalty_weights(penalty_weights: Any, n_features: int) -> Vector | None:
    """Non-negative factors of the penalty of shape (n_features,); zero leaves unpenalised."""
    if penalty_weights is None:
        return None
    factors = _vector("penalty_weights", penalty_weights)
    _check_length("penalty_weights", factors, n_features, "one factor a column of X")
    _non_negative("penalty_weights", factors)
    return factors


def as_coef_init(coef_init: Any, n_features: int, positive: bool) -> Vector | None:
    if coef_init is None:
        return None
    coef = _vector("coef_init", coef_init)
    _check_length("coef_init", coef, n_features, "one coefficient a column of X")
    if positive:
        _non_negative("coef_init", coef, "with positive=True")
    return coef


def as_strengths(name: str, values: ArrayLike) -> Vector:
    """Given values of alpha as a non-empty vector of finite non-negative numbers."""
    strengths = _vector(name, values)
    _non_negative(name, strengths)
    return strengths


def _vector(name: str, values: Any) -> Vector:
    array = check_array(
        values, dtype=np.float64, ensure_2d=False, ensure_min_samples=0, input_name=name
    )
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a non-empty vector; got an array of shape {array.shape}")
    return _contiguous(array)


def _check_length(name: str, array: NDArray[Any], length: int, meaning: str) -> None:
    if len(array) != length:
        raise ValueError(f"{name} must have length {length} ({meaning}); got {len(array)}")


def _non_negative(name: str, array: Vector, when: str = "") -> None:
    wrong = np.flatnonzero(array < 0)
    if wrong.size:
        first = wrong[0]
        raise ValueError(
            f"{name} must be non-negative{' ' + when if when else ''}; got {array[first]:g} at "
            f"index {first}"
        )


def _contiguous(array: NDArray[Any]) -> Vector:
    return np.ascontiguousarray(array, dtype=np.float64)
