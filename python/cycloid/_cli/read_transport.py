"""Reading masses and costs, or two sets of points, for a transport problem."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from cycloid._cli import read
from cycloid._cli.errors import InputError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Problem:
    """Masses, None for equal ones, and costs; ``source`` is what a summary calls it.

    ``kind`` says what the costs are: those of a file, or between points.
    """

    a: Array | None
    b: Array | None
    M: Array
    source: str
    kind: str


@dataclass(frozen=True)
class Points:
    """Points, one a row, the names of the coordinates, and masses, None for equal ones."""

    X: Array
    names: Sequence[str]
    masses: Array | None


def costs_and_masses(files: Sequence[str]) -> Problem:
    """``COSTS``, or ``A B COSTS``. An .npz of the costs may hold the masses a and b too."""
    a = b = None
    *masses, costs = files
    if costs.lower().endswith(".npz"):
        read.kind_of(costs)
        arrays = read.npz_arrays(costs)
        M = _of_archive(arrays, costs, "M", 2)
        a, b = (_of_archive(arrays, costs, key, 1) if key in arrays else None for key in "ab")
    else:
        M = _array(costs, "M", 2)
    if masses:
        a, b = (_array(file, key, 1) for file, key in zip(masses, "ab", strict=True))
    return Problem(a, b, M, costs, f"costs, {M.dtype}")


def between_points(
    source: str, target: str, cost: str, weights: str | None, drop: Sequence[str]
) -> Problem:
    """The costs of moving between the points of two files."""
    from cycloid.ot._measures import cost_matrix

    first, second = (_points(path, weights, drop) for path in (source, target))
    p, q = first.X.shape[1], second.X.shape[1]
    if p != q:
        raise InputError(f"{source} has points of dimension {p}, {target} of dimension {q}")
    named = all(list(side.names) != read.indexed_names(p) for side in (first, second))
    if named and list(first.names) != list(second.names):
        raise InputError(
            f"the columns of {source} ({', '.join(first.names)}) are not those of {target} "
            f"({', '.join(second.names)})"
        )
    M = cost_matrix(first.X, second.X, cost)
    return Problem(
        None if first.masses is None else first.masses / first.masses.sum(),
        None if second.masses is None else second.masses / second.masses.sum(),
        M,
        f"{source} -> {target}",
        f"points in dimension {p}, cost {cost}",
    )


def _array(path: str, key: str, ndim: int) -> Array:
    """The array of a file: of an archive, the one of that name or the only one."""
    suffix = read.kind_of(path, ".npy")
    if suffix == ".npy":
        try:
            return _shaped(np.load(path, allow_pickle=False), path, key, ndim)
        except (ValueError, EOFError) as error:
            raise InputError(f"{path}: not an npy file of numbers") from error
    if suffix == ".npz":
        return _of_archive(read.npz_arrays(path), path, key, ndim)
    if suffix in (".csv", ".tsv"):
        names, columns, lines = read.csv_table(path)
        return _shaped(read.csv_matrix(columns, lines, names, path), path, key, ndim)
    raise InputError(f"{path}: '{key}' cannot come from an svmlight file; use .npy, .npz or .csv")


def _of_archive(arrays: dict[str, Array], path: str, key: str, ndim: int) -> Array:
    if key not in arrays and len(arrays) == 1:
        (array,) = arrays.values()
        return _shaped(array, path, key, ndim)
    if key not in arrays:
        raise InputError(f"{path}: no array '{key}'; it holds {', '.join(arrays) or 'nothing'}")
    return _shaped(arrays[key], path, key, ndim)


def _shaped(array: Array, path: str, key: str, ndim: int) -> Array:
    """A vector may be a single row or column."""
    array = read.as_float(array, path, key)
    if ndim == 1 and array.ndim == 2 and 1 in array.shape:
        array = array.ravel()
    if array.ndim != ndim:
        expected = "(length,)" if ndim == 1 else "(n, m)"
        raise InputError(f"{path}: '{key}' has shape {array.shape}, expected {expected}")
    if not np.isfinite(array).all():
        place = ", ".join(map(str, np.argwhere(~np.isfinite(array))[0]))
        raise InputError(f"{path}: '{key}' contains NaN or infinity, at index ({place})")
    return array


def _points(path: str, weights: str | None, drop: Sequence[str]) -> Points:
    suffix = read.kind_of(path, ".npy")
    if suffix in (".csv", ".tsv"):
        points = _csv_points(path, weights, drop)
    elif suffix == ".npz":
        points = _npz_points(path, weights, drop)
    elif weights is not None:
        raise InputError(f"{path}: --weights has no meaning for this kind of file")
    else:
        X = _array(path, "X", 2) if suffix == ".npy" else read.svmlight(path)[0].toarray()
        points = Points(*read.without(X, read.indexed_names(X.shape[1]), drop, path), None)
    if points.X.size == 0:
        raise InputError(f"{path}: no points (shape {points.X.shape})")
    wrong = np.flatnonzero(~np.isfinite(points.X).all(axis=0))
    if wrong.size:
        raise InputError(f"{path}: column '{points.names[wrong[0]]}' contains NaN or infinity")
    return points


def _npz_points(path: str, weights: str | None, drop: Sequence[str]) -> Points:
    arrays = read.npz_arrays(path)
    X = read.npz_matrix(arrays, path)
    n, p = X.shape
    masses = None if weights is None else read.npz_vector(arrays, weights, n, path, "--weights")
    X, names = read.without(X, read.indexed_names(p), drop, path)
    dense = X.toarray() if sparse.issparse(X) else X
    return Points(dense, names, read.as_weights(masses, path, weights))


def _csv_points(path: str, weights: str | None, drop: Sequence[str]) -> Points:
    names, columns, lines = read.csv_table(path)
    w_at = None if weights is None else read.column_at(names, weights, path, "--weights")
    dropped = {read.column_at(names, name, path, "--drop") for name in drop}
    if w_at in dropped:
        raise InputError(f"{path}: --weights and --drop name the same column")
    kept = [j for j in range(len(names)) if j != w_at and j not in dropped]
    if not kept:
        raise InputError(f"{path}: no columns left to be coordinates")
    kept_names = [names[j] for j in kept]
    X = read.csv_matrix([columns[j] for j in kept], lines, kept_names, path)
    masses = None if w_at is None else read.numbers(columns[w_at], lines, names[w_at], path)
    return Points(X, kept_names, read.as_weights(masses, path, weights))
