"""Sparse symmetric positive definite systems against dense factorizations."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from cycloid import _core
from cycloid.optimize import Status, solve_positive_definite

pytestmark = pytest.mark.numerical


def random_forest(n, seed):
    rng = np.random.default_rng(seed)
    name = rng.permutation(n)
    parent = name[(rng.random(n - 1) * np.arange(1, n)).astype(int)]
    weight = rng.uniform(-1, 1, n - 1) * (rng.random(n - 1) > 0.1)
    half = sparse.coo_array((weight, (name[1:], parent)), shape=(n, n))
    A = (half + half.T).tocsr()
    A.eliminate_zeros()
    return (A + sparse.diags_array(1.1 * abs(A).sum(axis=1) + 0.01)).tocsr()


def random_matrix(n, density, seed, sign=None):
    rng = np.random.default_rng(seed)
    half = sparse.random_array((n, n), density=density, rng=rng, format="csr")
    half.data = sign * half.data if sign else 2 * half.data - 1
    A = sparse.tril(half, -1)
    A = (A + A.T).tocsr()
    return (A + sparse.diags_array(abs(A).sum(axis=1) + rng.uniform(0.01, 1, n))).tocsr()


def laplacian(side, slack):
    line = sparse.diags_array([1.0, 1.0], offsets=[1, -1], shape=(side, side))
    one = sparse.eye_array(side)
    W = sparse.kron(line, one) + sparse.kron(one, line)
    return (sparse.diags_array(W.sum(axis=1) + slack) - W).tocsr()


@given(st.integers(2, 200), st.integers(0, 10**6))
def test_forests_are_solved_by_messages_as_by_a_dense_factorization(n, seed):
    A = random_forest(n, seed)
    b = np.random.default_rng(seed + 1).standard_normal(n)
    result = solve_positive_definite(A, b)
    expected = np.linalg.solve(A.toarray(), b)
    assert np.abs(result.x - expected).max() <= 1e-12 * np.abs(expected).max()
    assert (result.n_eliminated, result.n_iter) == (n, 0)
    assert result.n_factor <= 2 * n - 1


@pytest.mark.parametrize("sign", [None, -1, 1])
@pytest.mark.parametrize("preconditioner", ["auto", "forest"])
@pytest.mark.parametrize("density", [0.01, 0.1, 0.5])
def test_random_matrices(sign, preconditioner, density):
    A = random_matrix(300, density, 3, sign)
    b = np.random.default_rng(0).standard_normal((300, 3))
    result = solve_positive_definite(A, b, rtol=1e-12, preconditioner=preconditioner)
    expected = np.linalg.solve(A.toarray(), b)
    assert_allclose(result.x, expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    assert result.converged
    assert result.violation <= result.tolerance == 1e-12
    residual = np.linalg.norm(b - A @ result.x, axis=0) / np.linalg.norm(b, axis=0)
    assert_allclose(result.violation, residual.max(), rtol=0.2)
    if sign == -1:
        assert np.abs(result.x - expected).max() <= result.error_bound <= 1e-8
    else:
        assert result.error_bound == np.inf


@given(
    st.integers(1, 40),
    st.floats(0, 1),
    st.integers(-1, 5),
    st.sampled_from(["forest", "sampled"]),
    st.integers(0, 10**6),
)
def test_every_limit_and_preconditioner_gives_the_solution(n, density, degree, kind, seed):
    A = random_matrix(n, density, seed, -1)
    b = np.random.default_rng(seed).standard_normal((n, 2))
    raw = _core.solve_positive_definite(
        A, b, rtol=1e-11, max_iter=1000, degree=max(degree, 0), fill=float(degree),
        preconditioner=kind, time_limit=np.inf, observer=None,
    )  # fmt: skip
    assert raw["status"] == Status.CONVERGED
    expected = np.linalg.solve(A.toarray(), b)
    assert np.abs(raw["x"] - expected).max() <= raw["error_bound"]
    assert_allclose(raw["x"], expected, rtol=0, atol=1e-7 * np.abs(expected).max())


@pytest.mark.parametrize("slack", [1e-2, 1e-6])
@pytest.mark.parametrize("preconditioner", ["forest", "sampled"])
def test_what_elimination_leaves(slack, preconditioner):
    A = laplacian(110, slack)
    b = np.random.default_rng(0).standard_normal(110**2)
    result = solve_positive_definite(A, b, preconditioner=preconditioner)
    assert result.converged
    assert 0 < result.n_eliminated < 110**2
    assert 0 < result.n_iter < 200
    assert result.trace["iteration"][-1] == result.n_iter
    assert result.trace["violation"][-1] == result.violation
    assert np.linalg.norm(b - A @ result.x) <= 1.1e-10 * np.linalg.norm(b)
    assert result.error_bound < 1e-3


def test_permuted_and_scaled():
    A = random_matrix(80, 0.1, 5)
    rng = np.random.default_rng(1)
    b = rng.standard_normal(80)
    expected = solve_positive_definite(A, b).x
    order = rng.permutation(80)
    permuted = solve_positive_definite(A[order][:, order], b[order]).x
    assert_allclose(permuted, expected[order], rtol=1e-9)
    for scale in (1e-150, 1e150):
        assert_allclose(solve_positive_definite(scale * A, b).x, expected / scale, rtol=1e-9)


def test_cost_is_linear_in_the_nodes_of_a_forest():
    def seconds(n):
        A = random_forest(n, 0)
        b = np.ones((n, 1))
        options = dict(rtol=1e-10, max_iter=1, degree=-1, fill=-1.0, preconditioner="auto",
                       time_limit=np.inf, observer=None)  # fmt: skip
        times = []
        for _ in range(5):
            begin = time.process_time()
            _core.solve_positive_definite(A, b, **options)
            times.append(time.process_time() - begin)
        return min(times)

    # 16 times the nodes; caches may cost a factor, a quadratic method would cost 16.
    assert seconds(80_000) < 16 * 4 * seconds(5_000)


# ------------------------------------------------------------------------------------ edge cases


def test_one_unknown():
    assert solve_positive_definite([[4.0]], [2.0]).x == [0.5]
    assert solve_positive_definite([[4.0]], [[2.0, 0.0]]).x.tolist() == [[0.5, 0.0]]


def test_right_hand_side_of_zeros():
    result = solve_positive_definite(laplacian(4, 0.1), np.zeros(16))
    assert result.converged
    assert not result.x.any()
    assert result.violation == 0


@pytest.mark.parametrize("convert", [
    np.asarray, sparse.csr_array, sparse.csc_matrix, sparse.coo_array, np.float32, np.asfortranarray,
])  # fmt: skip
def test_layouts(convert):
    A = laplacian(5, 0.5).toarray()
    b = np.arange(50.0)[::2]
    given = convert(A)
    kept = given.copy()
    b.flags.writeable = False
    assert_allclose(solve_positive_definite(given, b).x, np.linalg.solve(A, b), rtol=1e-9)
    assert abs(given - kept).max() == 0


def test_sixty_four_bit_indices():
    A = laplacian(5, 0.5)
    wide = sparse.csr_array(A.shape)
    wide.data, wide.indices, wide.indptr = A.data, A.indices.astype(np.int64), A.indptr.astype(
        np.int64
    )  # fmt: skip
    b = np.ones(25)
    assert_allclose(solve_positive_definite(wide, b).x, solve_positive_definite(A, b).x)


def test_rounding_errors_of_symmetry_are_borne_and_more_is_not():
    A = laplacian(5, 0.5).tolil()
    A[3, 4] *= 1 + 1e-14
    assert solve_positive_definite(A.tocsr(), np.ones(25)).converged
    A[3, 4] *= 1 + 1e-6
    with pytest.raises(ValueError, match="A must be symmetric"):
        solve_positive_definite(A.tocsr(), np.ones(25))
    A[3, 4] = 0
    with pytest.raises(ValueError, match="A must be symmetric"):
        solve_positive_definite(A.tocsr(), np.ones(25))


@pytest.mark.parametrize("shift", [-8.0, -0.5])
@pytest.mark.parametrize("side", [4, 110])
def test_not_positive_definite(shift, side):
    with pytest.raises(np.linalg.LinAlgError, match="A must be positive definite"):
        solve_positive_definite(laplacian(side, shift), np.ones(side**2))


def test_laplacian_without_anything_on_the_diagonal_is_singular():
    with pytest.raises(np.linalg.LinAlgError, match="A must be positive definite"):
        solve_positive_definite(laplacian(4, 0.0), np.ones(16))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"A": np.ones((2, 3))}, ValueError, "A must be square"),
        ({"A": np.full((2, 2), np.nan)}, ValueError, "A contains NaN"),
        ({"A": np.eye(2) * 1j}, ValueError, "Complex data"),
        ({"A": "matrix"}, ValueError, "2D array|could not convert"),
        ({"b": np.ones(3)}, ValueError, "b must have shape"),
        ({"b": np.ones((2, 2, 2))}, ValueError, "b|dim"),
        ({"b": np.ones((2, 0))}, ValueError, "b must have shape|0 feature"),
        ({"b": [1.0, np.inf]}, ValueError, "b contains infinity"),
        ({"rtol": -1.0}, ValueError, "rtol"),
        ({"rtol": "small"}, TypeError, "rtol"),
        ({"max_iter": 0}, ValueError, "max_iter"),
        ({"preconditioner": "ilu"}, ValueError, "preconditioner"),
        ({"time_limit": -1}, ValueError, "time_limit"),
        ({"callback": 3}, TypeError, "callback"),
    ],
)
def test_bad_input(arguments, error, message):
    good = {"A": np.eye(2), "b": np.ones(2)}
    with pytest.raises(error, match=message):
        solve_positive_definite(**good | arguments)


def test_sampling_needs_dominance():
    A = random_matrix(40, 0.3, 0)
    with pytest.raises(ValueError, match="preconditioner='sampled' needs"):
        solve_positive_definite(A, np.ones(40), preconditioner="sampled")


# ------------------------------------------------------------------------------- ends of a solve


def test_limit_of_iterations():
    with pytest.warns(ConvergenceWarning, match="iteration limit.*residual is .*, wanted 1e-10"):
        result = solve_positive_definite(laplacian(110, 1e-6), np.ones(110**2), max_iter=2)
    assert result.status == Status.MAX_ITER
    assert result.n_iter == 2
    assert result.x.shape == (110**2,)


def test_time_limit():
    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = solve_positive_definite(laplacian(10, 0.1), np.ones(100), time_limit=0.0)
    assert result.status == Status.TIME_LIMIT


def test_tolerance_below_rounding():
    A = random_matrix(100, 0.05, 0)
    with pytest.warns(ConvergenceWarning, match="rounding errors"):
        result = solve_positive_definite(A, np.ones(100), rtol=0.0)
    assert result.status == Status.STALLED
    assert result.violation < 1e-13


def test_callback():
    rows = []
    with pytest.warns(ConvergenceWarning, match="callback"):
        result = solve_positive_definite(
            laplacian(110, 1e-6), np.ones(110**2), callback=lambda row: rows.append(row) or True
        )
    assert result.status == Status.STOPPED
    assert set(rows[0]) == set(result.trace) == {"iteration", "seconds", "violation"}

    def fail(row):
        raise RuntimeError("as it was")

    with pytest.raises(RuntimeError, match="as it was"):
        solve_positive_definite(laplacian(4, 0.1), np.ones(16), callback=fail)


def test_verbose(capsys):
    solve_positive_definite(laplacian(4, 0.1), np.ones(16), verbose=1)
    assert "violation" in capsys.readouterr().out
