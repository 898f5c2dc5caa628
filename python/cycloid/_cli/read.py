"""Reading a design matrix and a target from npz, csv and svmlight files."""

import csv
import os
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from scipy import sparse

from cycloid._cli.errors import InputError

Matrix = Any  # a 2-D numpy array or a scipy.sparse array

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "."})
_SVMLIGHT = (".svm", ".svmlight", ".libsvm")
_TEXT = (".csv", ".tsv")
_CSR_PARTS = ("data", "indices", "indptr", "shape")


@dataclass(frozen=True)
class Dataset:
    """What a file holds: ``X`` (n x p), ``y`` (n,), and the names of the columns of ``X``."""

    X: Matrix
    y: npt.NDArray[Any]
    names: Sequence[str]
    weights: npt.NDArray[np.float64] | None
    source: str
    target: str

    def describe(self) -> str:
        """Return the size and the storage of ``X``, for the first line of a summary."""
        n, p = self.X.shape
        if not sparse.issparse(self.X):
            return f"{n:,} samples x {p:,} features, dense {self.X.dtype}"
        density = self.X.nnz / max(1, n * p)
        return f"{n:,} samples x {p:,} features, sparse {self.X.dtype}, density {density:.2%}"


def read(
    path: str, *, target: str | None = None, weights: str | None = None, drop: Sequence[str] = ()
) -> Dataset:
    """Read one file; its suffix says how. Raises InputError with the file and column at fault."""
    suffix = kind_of(path)
    try:
        if suffix == ".npz":
            dataset = _read_npz(path, target, weights, drop)
        elif suffix in _TEXT:
            dataset = _read_csv(path, target, weights, drop)
        else:
            dataset = _read_svmlight(path, target, weights, drop)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    _check(dataset, path)
    return dataset


def kind_of(path: str, *more: str) -> str:
    """The suffix of a file that is there, which says how to read it: a usual one, or of `more`."""
    name = path.lower()
    compressed = name.endswith((".gz", ".bz2"))
    suffix = Path(name.rsplit(".", 1)[0] if compressed else name).suffix
    readable = suffix in _SVMLIGHT or (not compressed and suffix in (".npz", *_TEXT, *more))
    if not readable:
        raise InputError(
            f"{path}: unknown kind of file; expected {', '.join((*more, '.npz'))}, .csv, .tsv or "
            ".svm (.svmlight, .libsvm, also .svm.gz and .svm.bz2)"
        )
    if not os.path.isfile(path):
        reason = "is a folder" if os.path.isdir(path) else "no such file"
        raise InputError(f"{path}: {reason}")
    return suffix


def indexed_names(p: int) -> Sequence[str]:
    """Names of columns that have none: ``x[0]``, ``x[1]``, ..."""
    return [f"x[{j}]" for j in range(p)]


# ---------------------------------------------------------------------------------------------
# npz


def _read_npz(path: str, target: str | None, weights: str | None, drop: Sequence[str]) -> Dataset:
    target = "y" if target is None else target
    arrays = npz_arrays(path)
    X = npz_matrix(arrays, path)
    n, p = X.shape
    y = npz_vector(arrays, target, n, path, "--target")
    w = None if weights is None else npz_vector(arrays, weights, n, path, "--weights")
    names = arrays.get("feature_names")
    if names is not None and names.shape != (p,):
        raise InputError(f"{path}: feature_names has shape {names.shape}, expected ({p},)")
    labels = indexed_names(p) if names is None else [str(name) for name in names]
    X, labels = without(X, labels, drop, path)
    return Dataset(X, y, labels, as_weights(w, path, weights), path, target)


def npz_arrays(path: str) -> dict[str, npt.NDArray[Any]]:
    """All arrays of an archive, by name."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: _array(archive, key, path) for key in archive.files}
    except (zipfile.BadZipFile, ValueError, EOFError, AttributeError) as error:
        raise InputError(f"{path}: not an npz archive of numeric arrays") from error


def _array(archive: Mapping[str, Any], key: str, path: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(archive[key])
    except ValueError as error:  # a pickled array of objects
        raise InputError(f"{path}: array '{key}' holds Python objects, not numbers") from error


def npz_matrix(arrays: Mapping[str, npt.NDArray[Any]], path: str) -> Matrix:
    if "X" in arrays:
        X = arrays["X"]
        if X.ndim != 2:
            raise InputError(f"{path}: X has {X.ndim} dimension(s), expected 2 (n x p)")
        return as_float(X, path, "X")
    for prefix in ("", "X_"):
        if all(prefix + part in arrays for part in _CSR_PARTS):
            data, indices, indptr, shape = (arrays[prefix + part] for part in _CSR_PARTS)
            layout = str(arrays["format"].astype(str)) if "format" in arrays else "csr"
            if layout not in ("csr", "csc"):
                raise InputError(f"{path}: sparse format '{layout}', expected csr or csc")
            make = sparse.csr_array if layout == "csr" else sparse.csc_array
            try:
                matrix = make(
                    (as_float(data, path, "data"), indices, indptr),
                    shape=tuple(int(size) for size in shape),
                )
                matrix.check_format(full_check=True)
                return matrix
            except (ValueError, TypeError) as error:
                raise InputError(f"{path}: {layout} parts do not fit together: {error}") from error
    raise InputError(
        f"{path}: no array 'X' and no CSR parts data, indices, indptr, shape; "
        f"it holds {_listing(list(arrays))}"
    )


def npz_vector(
    arrays: Mapping[str, npt.NDArray[Any]], key: str, n: int, path: str, option: str
) -> npt.NDArray[Any]:
    if key not in arrays:
        raise InputError(f"{path}: no array '{key}' ({option}); it holds {_listing(list(arrays))}")
    vector = arrays[key]
    if vector.shape == (n, 1):
        vector = vector[:, 0]
    if vector.shape != (n,):
        raise InputError(f"{path}: '{key}' has shape {vector.shape}, expected ({n},)")
    return vector


# ---------------------------------------------------------------------------------------------
# csv


def _read_csv(path: str, target: str | None, weights: str | None, drop: Sequence[str]) -> Dataset:
    names, columns, lines = csv_table(path)
    y_at = _target_column(names, target, path)
    w_at = None if weights is None else column_at(names, weights, path, "--weights")
    dropped = {column_at(names, name, path, "--drop") for name in drop}
    if y_at == w_at or y_at in dropped or w_at in dropped:
        raise InputError(f"{path}: --target, --weights and --drop name the same column")
    kept = [j for j in range(len(names)) if j not in dropped and j not in (y_at, w_at)]
    if not kept:
        raise InputError(f"{path}: no feature columns besides the target '{names[y_at]}'")
    X = csv_matrix([columns[j] for j in kept], lines, [names[j] for j in kept], path)
    y = _labels_or_numbers(columns[y_at], lines, names[y_at], path)
    w = None if w_at is None else numbers(columns[w_at], lines, names[w_at], path)
    kept_names = [names[j] for j in kept]
    return Dataset(X, y, kept_names, as_weights(w, path, weights), path, names[y_at])


def csv_table(path: str) -> tuple[list[str], list[Sequence[str]], list[int]]:
    """Names and cells of the columns, and the line of the file where each row ends."""
    rows, lines = _csv_rows(path)
    if not rows:
        raise InputError(f"{path}: the file is empty")
    has_header = _is_header(rows)
    width = len(rows[0])
    names = [cell.strip() for cell in rows[0]] if has_header else list(indexed_names(width))
    body, lines = (rows[1:], lines[1:]) if has_header else (rows, lines)
    if not body:
        raise InputError(f"{path}: a header but no rows")
    for row, line in zip(body, lines, strict=True):
        if len(row) != width:
            raise InputError(f"{path}: line {line} has {len(row)} cells, the first has {width}")
    return names, list(zip(*body, strict=True)), lines


def csv_matrix(
    columns: Sequence[Sequence[str]], lines: Sequence[int], names: Sequence[str], path: str
) -> npt.NDArray[np.float64]:
    """Columns of numbers side by side."""
    X = np.empty((len(lines), len(columns)), order="F")
    for j, (cells, name) in enumerate(zip(columns, names, strict=True)):
        X[:, j] = numbers(cells, lines, name, path)
    return X


def _csv_rows(path: str) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are not blank, and the line of the file where each one ends."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        try:
            first = file.readline()
            # A tie goes to the comma: a name such as "a;b" is rarer than a list of numbers.
            delimiter = max(",;\t", key=first.count)
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
            rows, lines = [], []
            for row in reader:
                if any(cell.strip() for cell in row):
                    rows.append(row)
                    lines.append(reader.line_num)
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path}: not a csv file in UTF-8: {error}") from error
    return rows, lines


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell a header from data: it has no numbers, or names above numbers.

    A first row of numbers and class names ("5.1, 3.5, setosa") is data if the second row has its
    class names in the same places.
    """
    first = [_is_number(cell) or _is_missing(cell) for cell in rows[0]]
    if not any(first) or len(rows) == 1:
        return not all(first)
    second = [_is_number(cell) or _is_missing(cell) for cell in rows[1]]
    return any(below and not above for above, below in zip(first, second, strict=False))


def _target_column(names: Sequence[str], target: str | None, path: str) -> int:
    if target is not None:
        return column_at(names, target, path, "--target")
    usual = [j for j, name in enumerate(names) if name.lower() in ("y", "target")]
    return usual[0] if len(usual) == 1 else len(names) - 1


def column_at(names: Sequence[str], wanted: str, path: str, option: str) -> int:
    """Find a column by its name or else by its index (from 0; negative ones count from the end)."""
    matches = [j for j, name in enumerate(names) if name == wanted]
    if len(matches) == 1:
        return matches[0]
    if len(matches) > 1:
        raise InputError(f"{path}: {len(matches)} columns are named '{wanted}' ({option})")
    try:
        index = int(wanted)
    except ValueError:
        raise InputError(
            f"{path}: no column '{wanted}' ({option}); the columns are {_listing(names)}"
        ) from None
    if not -len(names) <= index < len(names):
        raise InputError(f"{path}: no column {index} ({option}); there are {len(names)} columns")
    return index % len(names)


def numbers(
    cells: Sequence[str], lines: Sequence[int], name: str, path: str
) -> npt.NDArray[np.float64]:
    try:
        column = np.array(cells, dtype=np.float64)
    except ValueError:
        _blame(cells, lines, name, path)
    if not np.isfinite(column).all():
        _blame(cells, lines, name, path)
    return column


def _labels_or_numbers(
    cells: Sequence[str], lines: Sequence[int], name: str, path: str
) -> npt.NDArray[Any]:
    """A target may hold class names; whether it may hold *these* is for the fit to say."""
    if any(_is_missing(cell) for cell in cells) or all(_is_number(cell) for cell in cells):
        return numbers(cells, lines, name, path)
    return np.array([cell.strip() for cell in cells])


def _blame(cells: Sequence[str], lines: Sequence[int], name: str, path: str) -> NoReturn:
    """Raise for the first cell that is not a finite number."""
    for cell, line in zip(cells, lines, strict=True):
        where = f"{path}: column '{name}', line {line}"
        if _is_missing(cell):
            raise InputError(f"{where}: missing value; fill it, or leave the row or column out")
        if not _is_number(cell):
            raise InputError(
                f"{where}: '{cell.strip()}' is not a number; encode the column, or --drop it"
            )
        if not np.isfinite(float(cell)):
            raise InputError(f"{where}: '{cell.strip()}' is not finite")
    raise AssertionError("every cell is a finite number")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_missing(cell: str) -> bool:
    return cell.strip().lower() in _MISSING


# ---------------------------------------------------------------------------------------------
# svmlight


def _read_svmlight(
    path: str, target: str | None, weights: str | None, drop: Sequence[str]
) -> Dataset:
    for value, option in ((target, "--target"), (weights, "--weights")):
        if value is not None:
            raise InputError(f"{path}: {option} has no meaning for an svmlight file")
    X, y = svmlight(path)
    matrix, names = without(X, indexed_names(X.shape[1]), drop, path)
    return Dataset(matrix, y, names, None, path, "the first field")


def svmlight(path: str) -> tuple[sparse.csr_array, npt.NDArray[np.float64]]:
    """The features, and the first field of each line."""
    from sklearn.datasets import load_svmlight_file

    try:
        X, y = load_svmlight_file(path)
    except (ValueError, UnicodeDecodeError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else "unreadable"
        raise InputError(f"{path}: not an svmlight file: {reason}") from error
    return sparse.csr_array(X), y


# ---------------------------------------------------------------------------------------------
# what all of them share


def as_float(array: npt.NDArray[Any], path: str, key: str) -> npt.NDArray[Any]:
    """Return float32 and float64 arrays as they are, and other numbers as float64."""
    if array.dtype.kind not in "biuf":
        raise InputError(f"{path}: '{key}' has dtype {array.dtype}, expected real numbers")
    if array.dtype in (np.float32, np.float64):
        return array
    return array.astype(np.float64)


def as_weights(
    weights: npt.NDArray[Any] | None, path: str, name: str | None
) -> npt.NDArray[np.float64] | None:
    if weights is None:
        return None
    values = as_float(weights, path, str(name)).astype(np.float64)
    if not np.isfinite(values).all() or (values < 0).any() or not values.any():
        raise InputError(f"{path}: '{name}' must hold weights: finite, not negative, not all zero")
    return values


def without(
    X: Matrix, names: Sequence[str], drop: Sequence[str], path: str
) -> tuple[Matrix, Sequence[str]]:
    if not drop:
        return X, names
    dropped = {column_at(names, name, path, "--drop") for name in drop}
    kept = [j for j in range(len(names)) if j not in dropped]
    if not kept:
        raise InputError(f"{path}: --drop leaves no feature")
    return X[:, kept], [names[j] for j in kept]


def _check(dataset: Dataset, path: str) -> None:
    """Refuse empty and not finite arrays by the name of the column at fault."""
    n, p = dataset.X.shape
    twice = [name for name, count in Counter(dataset.names).items() if count > 1]
    if twice:
        raise InputError(f"{path}: {len(twice)} feature name(s) repeat, such as '{twice[0]}'")
    if n == 0 or p == 0:
        raise InputError(f"{path}: X is empty ({n} samples x {p} features)")
    if dataset.y.dtype.kind not in "biufUS":
        raise InputError(f"{path}: '{dataset.target}' has dtype {dataset.y.dtype}")
    if dataset.y.dtype.kind == "f" and not np.isfinite(dataset.y).all():
        raise InputError(f"{path}: target '{dataset.target}' contains NaN or infinity")
    stored = dataset.X.data if sparse.issparse(dataset.X) else dataset.X
    if not np.isfinite(stored).all():
        if sparse.issparse(dataset.X):
            j = dataset.X.tocoo().col[~np.isfinite(dataset.X.tocoo().data)][0]
        else:
            j = np.flatnonzero(~np.isfinite(dataset.X).all(axis=0))[0]
        raise InputError(f"{path}: column '{dataset.names[j]}' contains NaN or infinity")


def _listing(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown}, ... ({len(names)} in all)"
