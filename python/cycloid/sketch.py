"""Random matrices that compress the rows of a tall matrix: `sketch @ A`.

A sketch S has few rows, and E[S'S] = I: S A keeps the lengths of the vectors A x up to a factor
near 1 once it has a few times as many rows as A has columns. An entry of S is a function of the
seed and of its position, so `S @ A` is the same for any number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from cycloid import _core
from cycloid._inputs import X_CHECKS, as_seed, check_integer, thread_count, viewable

__all__ = ["Sketch", "count_sketch", "gaussian", "sparse_sign", "srht"]

Kind: TypeAlias = Literal["gaussian", "sparse_sign", "srht"]


@dataclass(frozen=True)
class Sketch:
    """A random matrix of shape (n_rows, n_columns), known by its seed; see the functions here.

    Attributes
    ----------
    kind : {'gaussian', 'sparse_sign', 'srht'}
        Distribution of the entries.
    shape : tuple of int
        Rows and columns.
    seed : int
        What the entries are a function of.
    per_column : int
        Entries in each column of a sparse sign matrix.
    n_threads : int or None
        Threads of a product; see `gaussian`.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.sketch import count_sketch
    >>> A = np.arange(12.0).reshape(6, 2)
    >>> S = count_sketch(3, 6, random_state=0)
    >>> (S @ A).shape
    (3, 2)
    >>> bool(np.array_equal(S @ A, S.toarray() @ A))
    True
    """

    kind: Kind
    shape: tuple[int, int]
    seed: int
    per_column: int = 1
    n_threads: int | None = None

    # numpy leaves `array @ sketch` to us, and we have no such product.
    __array_ufunc__ = None

    def __matmul__(self, A: Any) -> NDArray[Any]:
        """The product with a vector, a matrix or a sparse matrix.

        Parameters
        ----------
        A : {array-like, sparse array} of shape (n_columns,) or (n_columns, n)
            Dense arrays of either order, CSR and CSC, float32 or float64, are used where they
            lie (CSC is copied into rows). Other types are converted.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n)
            Of the type of A, float32 or float64.
        """
        A = check_array(A, input_name="A", ensure_2d=False, **X_CHECKS)
        if A.ndim not in (1, 2) or A.shape[0] != self.shape[1]:
            raise ValueError(
                f"A must have shape ({self.shape[1]},) or ({self.shape[1]}, n), a row for each "
                f"column of the sketch; got {A.shape}"
            )
        product: NDArray[Any] = _core.apply_sketch(
            viewable(A.reshape(-1, 1) if A.ndim == 1 else A),
            kind=self.kind,
            rows=self.shape[0],
            per_column=self.per_column,
            seed=self.seed,
            single=A.dtype == np.float32,
            n_threads=thread_count(self.n_threads),
        )
        return product[:, 0] if A.ndim == 1 else product

    def toarray(self) -> NDArray[np.float64]:
        """All entries, as an array of shape (n_rows, n_columns)."""
        return self @ np.eye(self.shape[1])


def gaussian(
    n_rows: int, n_columns: int, *, random_state: Any = None, n_threads: int | None = None
) -> Sketch:
    """Independent normal entries of mean 0 and variance 1 / n_rows.

    The most exact sketch for its number of rows, and the dearest: `S @ A` costs n_rows times the
    entries of A.

    Parameters
    ----------
    n_rows, n_columns : int
        Shape, each at least 1.
    random_state : int, RandomState instance or None, default=None
        Seed of the entries; an int gives the same matrix each time.
    n_threads : int, default=None
        Threads of a product, with the same result for any. None: the environment variable
        CYCLOID_NUM_THREADS, else all CPUs that the process may use, within OpenMP's limits;
        -1: all CPUs.

    Returns
    -------
    Sketch
        The matrix as an operator: `sketch @ A`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.sketch import gaussian
    >>> A = np.linspace(-1, 1, 1000)
    >>> S = gaussian(400, 1000, random_state=0)
    >>> bool(abs(np.linalg.norm(S @ A) / np.linalg.norm(A) - 1) < 0.1)
    True
    """
    return _sketch("gaussian", n_rows, n_columns, random_state, n_threads)


def sparse_sign(
    n_rows: int,
    n_columns: int,
    *,
    per_column: int = 8,
    random_state: Any = None,
    n_threads: int | None = None,
) -> Sketch:
    """In each column `per_column` entries of +-1 / sqrt(per_column), else zeros.

    The rows are divided into `per_column` layers of equal height, and each column has one entry at
    a random place of each layer, with a random sign [1]_. `S @ A` costs `per_column` times the
    entries of A: the sketch to take first.

    Parameters
    ----------
    n_rows, n_columns : int
        Shape, each at least 1.
    per_column : int, default=8
        Entries in each column, from 1 to n_rows.
    random_state, n_threads
        See `gaussian`.

    Returns
    -------
    Sketch
        The matrix as an operator: `sketch @ A`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    References
    ----------
    .. [1] J. Nelson, H. L. Nguyen, "OSNAP: faster numerical linear algebra algorithms via sparser
       subspace embeddings", FOCS 2013.

    Examples
    --------
    >>> from cycloid.sketch import sparse_sign
    >>> S = sparse_sign(6, 10, per_column=2, random_state=0)
    >>> [int(count) for count in (S.toarray() != 0).sum(axis=0)]
    [2, 2, 2, 2, 2, 2, 2, 2, 2, 2]
    """
    per_column = check_integer("per_column", per_column, low=1)
    sketch = _sketch("sparse_sign", n_rows, n_columns, random_state, n_threads, per_column)
    if per_column > sketch.shape[0]:
        raise ValueError(f"per_column must be at most n_rows = {n_rows}; got {per_column}")
    return sketch


def count_sketch(
    n_rows: int, n_columns: int, *, random_state: Any = None, n_threads: int | None = None
) -> Sketch:
    """One entry of +-1 in each column: the cheapest sketch, and the least exact.

    `S @ A` adds each row of A, or takes it away, in one random row [1]_. It is `sparse_sign` with
    `per_column=1`.

    Parameters
    ----------
    n_rows, n_columns : int
        Shape, each at least 1.
    random_state, n_threads
        See `gaussian`.

    Returns
    -------
    Sketch
        The matrix as an operator: `sketch @ A`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    References
    ----------
    .. [1] K. L. Clarkson, D. P. Woodruff, "Low rank approximation and regression in input sparsity
       time", STOC 2013.

    Examples
    --------
    >>> from scipy import sparse
    >>> from cycloid.sketch import count_sketch
    >>> A = sparse.random_array((1000, 5), density=0.01, format="csr", rng=0)
    >>> (count_sketch(50, 1000, random_state=0) @ A).shape
    (50, 5)
    """
    return _sketch("sparse_sign", n_rows, n_columns, random_state, n_threads)


def srht(
    n_rows: int, n_columns: int, *, random_state: Any = None, n_threads: int | None = None
) -> Sketch:
    """Subsampled randomized Hadamard transform.

    S = sqrt(N / n_rows) R H D with random signs D, the orthonormal Walsh-Hadamard transform H of
    length N, the power of two not below n_columns (A is continued by zeros), and R, which takes
    n_rows of its N rows without replacement [1]_. Spreads what single rows of A hold over all of
    them; `S @ A` costs log2(N) times the entries of A, whatever n_rows.

    Parameters
    ----------
    n_rows, n_columns : int
        Shape, each at least 1; n_rows at most N.
    random_state, n_threads
        See `gaussian`.

    Returns
    -------
    Sketch
        The matrix as an operator: `sketch @ A`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    References
    ----------
    .. [1] J. A. Tropp, "Improved analysis of the subsampled randomized Hadamard transform",
       Advances in Adaptive Data Analysis 3, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from cycloid.sketch import srht
    >>> S = srht(8, 8, random_state=0).toarray()  # all rows: orthogonal
    >>> bool(np.allclose(S.T @ S, np.eye(8)))
    True
    """
    sketch = _sketch("srht", n_rows, n_columns, random_state, n_threads)
    longest = 1 << (sketch.shape[1] - 1).bit_length()
    if sketch.shape[0] > longest:
        raise ValueError(
            f"n_rows must be at most {longest}, the length of the transform; got {n_rows}"
        )
    return sketch


def _sketch(
    kind: Kind,
    n_rows: Any,
    n_columns: Any,
    random_state: Any,
    n_threads: int | None,
    per_column: int = 1,
) -> Sketch:
    shape = check_integer("n_rows", n_rows, low=1), check_integer("n_columns", n_columns, low=1)
    thread_count(n_threads)
    return Sketch(kind, shape, as_seed(random_state), per_column, n_threads)
