"""`cycloid.ot.solve_batch`: the same answers as `solve`, one problem at a time."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from plain_transport import problem
from sklearn.exceptions import ConvergenceWarning

from cycloid.ot import Status, solve, solve_batch

PLAIN = ("f", "g", "value", "transport_cost", "dual_value", "gap", "violation", "status",
         "n_iter", "n_passes", "reg", "tolerance")  # fmt: skip


def histograms(count, n, seed=0):
    rng = np.random.default_rng(seed)
    A = rng.dirichlet(np.ones(n), size=count)
    A[1, ::3] = 0
    return A / A.sum(axis=1, keepdims=True)


def check(batch, A, B, M, reg, **options):
    """Each problem of the batch, to the last bit."""
    count = len(batch)
    sides = [S if np.ndim(S) == 2 else [S] * count for S in (A, B)]
    for a, b, result in zip(*sides, batch, strict=True):
        single = solve(a, b, M, reg, **options)
        for name in PLAIN:
            assert_array_equal(getattr(result, name), getattr(single, name), err_msg=name)
        assert_array_equal(result.plan(), single.plan())
        assert set(result.trace) == set(single.trace)
        for name in set(single.trace) - {"seconds"}:
            assert_array_equal(result.trace[name], single.trace[name], err_msg=name)


@pytest.mark.parametrize("method", ["auto", "sinkhorn", "sns"])
@pytest.mark.parametrize("n_threads", [1, 2, 8])
def test_each_problem_is_that_of_solve(method, n_threads):
    A, B, M = histograms(5, 12), histograms(5, 9, seed=1), problem(12, 9)[2]
    batch = solve_batch(A, B, M, 0.1, method=method, n_threads=n_threads)
    assert len(batch) == 5
    assert batch.converged
    check(batch, A, B, M, 0.1, method=method)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray, lambda M: M[::-1]])
def test_one_histogram_is_shared(layout, dtype):
    a, b, M = problem(12, 9)
    M = layout(M.astype(dtype))
    M.flags.writeable = False
    A, B = histograms(4, 12), np.asfortranarray(histograms(4, 9, seed=1))
    check(solve_batch(a, B, M, 0.1), a, B, M, 0.1)
    check(solve_batch(A, b.tolist(), M, 0.1), A, b, M, 0.1)
    check(solve_batch(A, None, M, 0.1), A, np.full(9, 1 / 9), M, 0.1)
    check(solve_batch(a, b, M, 0.1), [a], [b], M, 0.1)
    assert len(solve_batch(a[None], b, M, 0.1)) == 1


def test_totals_of_each_problem():
    A, B, M = histograms(3, 12), histograms(3, 9, seed=1), problem(12, 9)[2]
    scale = np.array([[1e-3], [1.0], [50.0]])
    check(solve_batch(scale * A, scale * B, M, 0.1), scale * A, scale * B, M, 0.1)


def test_rows_larger_than_a_task():
    """With fewer problems than threads the threads share each problem's rows."""
    A, M = histograms(2, 500), np.random.default_rng(0).random((500, 500))
    one, four = (solve_batch(A, None, M, 0.05, n_threads=count) for count in (1, 4))
    assert_array_equal(one.f, four.f)
    assert_array_equal(one.violations, four.violations)


def test_warm_start():
    A, B, M = histograms(4, 12), histograms(4, 9, seed=1), problem(12, 9)[2]
    cold = solve_batch(A, B, M, 0.01, tol=1e-12)
    warm = solve_batch(A, B, M, 0.01, tol=1e-11, potentials_init=(cold.f, cold.g))
    assert (warm.n_passes <= 3).all()
    turned = solve_batch(B, A, M.T, 0.01, tol=1e-11, potentials_init=(cold.g, cold.f))
    assert (turned.n_passes <= 3).all()
    start = cold.f[0], cold.g[0]
    shared = solve_batch(A, B, M, 0.01, potentials_init=start)
    check(shared, A, B, M, 0.01, potentials_init=start)


def test_indices():
    batch = solve_batch(histograms(4, 6), None, problem(6, 6)[2], 0.1)
    assert_array_equal(batch[-1].f, batch[3].f)
    assert batch[2].converged
    with pytest.raises(IndexError):
        batch[4]
    assert [result.value for result in batch] == batch.values.tolist()


def test_one_warning_for_all():
    A, M = histograms(6, 30), np.random.default_rng(0).random((30, 30))
    with pytest.warns(ConvergenceWarning) as caught:
        batch = solve_batch(A, None, M, 1e-3, method="sinkhorn", max_iter=3)
    (warning,) = caught
    assert "solve_batch: the iteration limit" in str(warning.message)
    assert "6 of 6 problems did not converge, at worst problem" in str(warning.message)
    assert warning.filename == __file__
    assert batch.status == Status.MAX_ITER
    assert (batch.n_iters == 3).all()


@pytest.mark.parametrize("n_threads", [1, 2])
def test_time_limit(n_threads):
    A, M = histograms(5, 30), np.random.default_rng(0).random((30, 30))
    with pytest.warns(ConvergenceWarning, match=r"5 of 5 .*inf.*Increase time_limit"):
        batch = solve_batch(A, None, M, 1e-3, time_limit=0, n_threads=n_threads)
    assert batch.statuses == (Status.TIME_LIMIT,) * 5
    assert np.isnan(batch.f).all()
    assert np.isnan(batch.values).all()
    assert np.isinf(batch.gaps).all()


def test_what_is_left_when_a_callback_ends_the_batch():
    A, M = histograms(50, 20), np.random.default_rng(0).random((20, 20))
    with pytest.warns(ConvergenceWarning, match=r"STOPPED.*49 of 50 problems"):
        batch = solve_batch(A, None, M, 0.01, callback=lambda row: True, n_threads=1)
    assert batch.statuses == (Status.CONVERGED,) + (Status.STOPPED,) * 49
    assert_array_equal(batch[0].f, solve(A[0], None, M, 0.01).f)
    assert_array_equal(np.isfinite(batch.violations), np.arange(50) == 0)
    assert len(batch[1].trace["violation"]) == 0


@pytest.mark.parametrize("n_threads", [1, 2])
def test_callback(n_threads):
    A, M = histograms(40, 20), np.random.default_rng(0).random((20, 20))
    rows = []
    solve_batch(A, None, M, 0.01, callback=rows.append, n_threads=n_threads)
    assert rows[-1]["n_done"] == 40
    assert rows[-1]["n_failed"] == 0
    assert 0 <= rows[-1]["problem"] < 40

    def fail(row):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        solve_batch(A, None, M, 0.01, callback=fail, n_threads=n_threads)


def test_verbose_and_progress(capfd):
    A, M = histograms(3, 5), problem(5, 5)[2]
    solve_batch(A, None, M, 0.1)
    assert capfd.readouterr() == ("", "")
    solve_batch(A, None, M, 0.1, verbose=1)
    assert capfd.readouterr().out.split()[:3] == ["n_done", "seconds", "problem"]
    pytest.importorskip("tqdm")
    solve_batch(A, None, M, 0.1, progress=True)
    assert "3/3" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"A": [[0.5, -0.5], [1, 0]]}, ValueError, r"A must hold .* got -0.5 at index \(0, 1\)"),
        ({"B": [[0.5, 0.5], [1, np.nan]]}, ValueError, r"B must hold .* got nan at index \(1, 1\)"),
        ({"A": [[0.5, 0.5], [0, 0]]}, ValueError, "A must have positive totals; .* in row 1"),
        ({"A": [[1.0, 2.0, 3.0]]}, ValueError, r"A must have shape \(n_problems, 2\)"),
        ({"A": [[[1.0, 2.0]]]}, ValueError, r"A must have shape \(n_problems, 2\)"),
        ({"A": [["x", "y"]]}, TypeError, "A must hold real numbers"),
        ({"A": np.ones((3, 2)) / 2}, ValueError, "A and B must have one row a problem; got 3 .* 2"),
        ({"B": [[0.5, 0.5], [1, 1]]}, ValueError, "same finite total .* 1 and 2 in problem 1"),
        ({"M": [[0, np.nan], [1, 0]]}, ValueError, "M must be finite"),
        ({"reg": 0.0}, ValueError, "reg must be a number > 0"),
        ({"tol": 0.0}, ValueError, "tol must be a number > 0"),
        ({"method": "newton"}, ValueError, "method must be one of"),
        ({"n_threads": 0}, ValueError, "n_threads"),
        ({"max_iter": 0}, ValueError, "max_iter"),
        ({"verbose": -1}, ValueError, "verbose"),
        ({"progress": 1}, TypeError, "progress"),
        ({"callback": 1}, TypeError, "callback"),
        ({"potentials_init": 3}, TypeError, "potentials_init must be a pair"),
        ({"potentials_init": (np.zeros((3, 2)), [0, 0])}, ValueError, "f must have one row or 2"),
        ({"potentials_init": ([0, 0, 0], [0, 0])}, ValueError, r"f must have shape"),
        ({"potentials_init": ([0, np.nan], [0, 0])}, ValueError, "f must be finite .* index 1"),
    ],
)
def test_bad_input(changes, error, message):
    good = {
        "A": [[0.5, 0.5], [0.2, 0.8]],
        "B": [[0.3, 0.7], [0.6, 0.4]],
        "M": np.eye(2),
        "reg": 1.0,
    }
    with pytest.raises(error, match=message):
        solve_batch(**{**good, **changes})
