"""cycloid.sketch: operators that are what their entries say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from cycloid.sketch import Sketch, count_sketch, gaussian, sparse_sign, srht

pytestmark = pytest.mark.numerical

MAKERS = {
    "gaussian": gaussian,
    "sparse_sign": sparse_sign,
    "count_sketch": count_sketch,
    "srht": srht,
}


@pytest.fixture(params=MAKERS)
def make(request):
    return MAKERS[request.param]


@given(
    st.sampled_from(sorted(MAKERS)),
    st.integers(1, 40),
    st.integers(1, 60),
    st.integers(1, 12),
    st.integers(0, 2**31 - 1),
)
def test_product_is_that_with_the_entries(name, n_rows, n_columns, width, seed):
    n_rows = min(n_rows, n_columns)
    keywords = {"per_column": min(3, n_rows)} if name == "sparse_sign" else {}
    sketch = MAKERS[name](n_rows, n_columns, random_state=seed, **keywords)
    A = np.random.default_rng(seed).standard_normal((n_columns, width))
    A[A < -0.5] = 0
    expected = sketch.toarray() @ A
    for view in (A, np.asfortranarray(A), sparse.csr_array(A), sparse.csc_array(A), A[:, 0]):
        product = sketch @ view
        assert isinstance(product, np.ndarray)
        assert_allclose(product, expected[:, 0] if view.ndim == 1 else expected, atol=1e-12)


def test_float32_stays(make, rng):
    A = rng.standard_normal((50, 4)).astype(np.float32)
    sketch = make(10, 50, random_state=0)
    product = sketch @ A
    assert product.dtype == np.float32
    assert_allclose(product, sketch @ A.astype(float), atol=1e-5)


def test_same_for_any_number_of_threads(make, rng):
    A = rng.standard_normal((3000, 150))
    one, three = (make(200, 3000, random_state=1, n_threads=n) @ A for n in (1, 3))
    assert_array_equal(one, three)
    assert abs(one - make(200, 3000, random_state=2) @ A).max() > 0.1


def test_entries():
    signs = sparse_sign(12, 40, per_column=3, random_state=0).toarray()
    assert_array_equal((signs != 0).sum(axis=0), 3)
    assert_allclose(abs(signs[signs != 0]), 1 / np.sqrt(3))
    assert_array_equal(abs(count_sketch(12, 40, random_state=0).toarray()).sum(axis=0), 1)
    normal = gaussian(100, 400, random_state=0).toarray() * 10
    assert abs(normal.mean()) < 0.02
    assert abs(normal.std() - 1) < 0.02
    assert_allclose(abs(srht(16, 16, random_state=0).toarray()), 0.25)


def test_subspace_is_embedded(make, rng):
    """Singular values of a sketched orthonormal basis are near 1."""
    basis = np.linalg.qr(rng.standard_normal((2000, 10)))[0]
    values = np.linalg.svd(make(400, 2000, random_state=0) @ basis, compute_uv=False)
    assert values.min() > 0.7
    assert values.max() < 1.3


def test_input_is_not_changed_and_need_not_be_contiguous(make, rng):
    A = rng.standard_normal((60, 8))
    A.setflags(write=False)
    sketch = make(20, 60, random_state=0)
    expected = sketch @ A
    assert_allclose(sketch @ np.repeat(A, 2, axis=1)[:, ::2], expected)
    assert_allclose(sketch @ np.repeat(A, 2, axis=0)[::2], expected)
    assert_allclose(sketch @ sparse.coo_array(A), expected, atol=1e-13)
    assert_allclose(sketch @ A.tolist(), expected)


def test_bad_arguments(make, rng):
    sketch = make(4, 8, random_state=0) if make is not sparse_sign else make(8, 8, random_state=0)
    with pytest.raises(ValueError, match=r"A must have shape \(8,\) or \(8, n\).*got \(7, 2\)"):
        sketch @ np.ones((7, 2))
    with pytest.raises(ValueError, match="Complex data not supported"):
        sketch @ np.ones(8, dtype=complex)
    with pytest.raises(TypeError, match="unsupported operand"):
        np.ones((2, 4)) @ sketch
    with pytest.raises(ValueError, match="n_rows must be an integer >= 1; got 0"):
        make(0, 8)
    with pytest.raises(TypeError, match="n_columns must be an integer"):
        make(8, 8.0)
    with pytest.raises(ValueError, match="seed"):
        make(8, 8, random_state="seed")
    with pytest.raises(TypeError, match="n_threads"):
        make(8, 8, n_threads=1.5)


def test_bad_arguments_of_one():
    with pytest.raises(ValueError, match="per_column must be at most n_rows = 3; got 4"):
        sparse_sign(3, 9, per_column=4)
    with pytest.raises(ValueError, match="n_rows must be at most 16, the length of the transform"):
        srht(17, 9)


def test_repr_says_what_it_is():
    assert "sparse_sign" in repr(count_sketch(3, 4, random_state=0))
    assert count_sketch(3, 4, random_state=0) == Sketch(
        "sparse_sign", (3, 4), count_sketch(3, 4, random_state=0).seed
    )
