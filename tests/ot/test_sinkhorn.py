"""The drop-ins for POT: the same answers, shapes, types and logs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from plain_transport import plain_sinkhorn, problem
from sklearn.exceptions import ConvergenceWarning

from cycloid.ot import sinkhorn, sinkhorn2, solve

METHODS = [
    "sinkhorn",
    "sinkhorn_log",
    "greenkhorn",
    "sinkhorn_stabilized",
    "sinkhorn_epsilon_scaling",
]


def histograms(m, n_hists, seed=3):
    return np.random.default_rng(seed).dirichlet(np.ones(m), size=n_hists).T


@pytest.mark.parametrize("method", [*METHODS, "auto", "sns", "Sinkhorn_LOG"])
def test_plan_is_that_of_plain_iterations(method):
    a, b, M = problem(7, 5)
    P = sinkhorn(a, b, M, 0.1, method=method, stopThr=1e-11)
    assert_allclose(P, plain_sinkhorn(a, b, M, 0.1), atol=1e-10)
    assert sinkhorn2(a, b, M, 0.1, method=method) == pytest.approx(np.sum(M * P), abs=1e-8)


@given(n=st.integers(1, 12), m=st.integers(1, 12), seed=st.integers(0, 99), reg=st.floats(0.02, 10))
def test_marginals_and_scaling_form(n, m, seed, reg):
    a, b, M = problem(n, m, seed)
    P, log = sinkhorn(a, b, M, reg, log=True)
    assert_allclose(P.sum(axis=1), a, atol=1e-9)
    assert_allclose(P.sum(axis=0), b, atol=1e-9)
    assert_allclose(log["u"][:, None] * np.exp(-M / reg) * log["v"], P, rtol=1e-8, atol=1e-14)
    assert sinkhorn2(a, b, M, reg) == pytest.approx(np.sum(M * P), abs=1e-8)


def test_uniform_masses():
    M = problem(6, 4)[2]
    expected = sinkhorn(np.full(6, 1 / 6), np.full(4, 1 / 4), M, 0.2)
    for nothing in ([], None, np.array([])):
        assert_array_equal(sinkhorn(nothing, nothing, M, 0.2), expected)


def test_several_histograms():
    a, _, M = problem(6, 5)
    B = histograms(5, 3)
    costs, log = sinkhorn(a, B, M, 0.1, log=True)
    assert costs.shape == (3,)
    assert log["u"].shape == (6, 3)
    assert log["v"].shape == (5, 3)
    for k in range(3):
        assert costs[k] == sinkhorn2(a, B[:, k], M, 0.1)
    assert_array_equal(sinkhorn2(a, B, M, 0.1), costs)
    assert sinkhorn(a, B[:, :1], M, 0.1).shape == (1,)
    assert sinkhorn2(a, B[:, :1].tolist(), M.tolist(), 0.1).shape == (1,)


def test_precision_of_the_answer_is_that_of_the_input():
    a, b, M = (x.astype(np.float32) for x in problem(6, 5))
    assert sinkhorn(a, b, M, 0.1).dtype == np.float32
    assert sinkhorn([], None, M, 0.1).dtype == np.float32
    assert sinkhorn2(a, b, M, 0.1).dtype == np.float32
    assert sinkhorn2(a, b[:, None], M, 0.1).dtype == np.float32
    assert sinkhorn(a.astype(float) / a.sum(), b, M, 0.1).dtype == np.float64
    assert sinkhorn(a.astype(float).tolist(), b, M, 0.1).dtype == np.float64
    assert sinkhorn([0.5, 0.5], [1], [[1], [2]], 1.0).dtype == np.float64
    assert_allclose(sinkhorn(a, b, M, 0.1).sum(axis=1), a, rtol=1e-5)


def test_bins_without_mass():
    a, b, M = problem(6, 5)
    a[[0, 4]] = 0
    b[2] = 0
    a, b = a / a.sum(), b / b.sum()
    P, log = sinkhorn(a, b, M, 0.1, log=True)
    assert not P[[0, 4]].any()
    assert not P[:, 2].any()
    kept = np.ix_(a > 0, b > 0)
    assert_allclose(P[kept], plain_sinkhorn(a[a > 0], b[b > 0], M[kept], 0.1), atol=1e-9)
    assert not log["u"][[0, 4]].any()
    assert log["v"][2] == 0
    again = sinkhorn(a, b, M, 0.1, warmstart=log["warmstart"])
    assert_allclose(again, P, atol=1e-9)
    targets = np.stack([b, np.full(5, 0.2)], axis=1)
    logs = sinkhorn(a, targets, M, 0.1, log=True)[1]
    assert_array_equal(logs["v"] == 0, targets == 0)


def test_small_regularization_does_not_overflow():
    a, b, M = problem(8, 8)
    P, log = sinkhorn(a, b, 1e3 * M, 1.0, log=True, stopThr=1e-7)
    assert np.isfinite(P).all()
    assert np.isfinite(log["log_u"]).all()
    assert_allclose(P.sum(axis=1), a, atol=1e-7)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("several", [False, True])
def test_warm_start_from_a_log(method, several):
    a, b, M = problem(7, 5)
    b = histograms(5, 2) if several else b
    first, log = sinkhorn(a, b, M, 0.05, method=method, log=True, stopThr=1e-11)
    call = {"method": method, "numItermax": 1, "warn": False}
    second = sinkhorn(a, b, M, 0.05, warmstart=log["warmstart"], **call)
    assert_allclose(second, first, atol=1e-9)
    scale = 1.0 if method in METHODS[3:] else 0.05
    assert_allclose(scale * log["warmstart"][0], log["alpha"])
    if several:
        f, g = log["warmstart"]
        pairs = [(f[:, k], g[:, k]) for k in range(2)]
        assert_array_equal(sinkhorn(a, b, M, 0.05, warmstart=pairs, **call), second)


def test_one_warm_start_for_several_histograms():
    a, b, M = problem(7, 5)
    start = sinkhorn(a, b, M, 0.05, log=True)[1]["warmstart"]
    B = histograms(5, 3)
    assert_allclose(sinkhorn(a, B, M, 0.05, warmstart=start), sinkhorn(a, B, M, 0.05), atol=1e-8)


def test_log_agrees_with_solve():
    a, b, M = problem(7, 5)
    _, log = sinkhorn(a, b, M, 0.05, log=True, stopThr=1e-10)
    result = solve(a, b, M, 0.05, tol=1e-10)
    shift = log["alpha"][0] - result.f[0]
    assert_allclose(log["alpha"], result.f + shift)
    assert_allclose(log["beta"], result.g - shift)
    (returned,) = log["results"]
    assert returned.violation <= 1e-10
    assert log["err"][-1] <= 1e-10


def test_stop_threshold_bounds_the_marginal_error():
    a, b, M = problem(20, 30)
    for threshold in (1e-3, 1e-6, 1e-9):
        P = sinkhorn(a, b, M, 0.05, stopThr=threshold)
        error = np.abs(P.sum(axis=1) - a).sum() + np.abs(P.sum(axis=0) - b).sum()
        assert error <= threshold * (1 + 1e-6)


def test_total_mass_other_than_one():
    a, b, M = problem(8, 6)
    P, log = sinkhorn(1e3 * a, 1e3 * b, M, 0.05, log=True)
    assert_allclose(P, 1e3 * sinkhorn(a, b, M, 0.05, stopThr=1e-12), atol=1e-9)
    assert log["err"][-1] <= 1e-9
    assert np.abs(P.sum(axis=1) - 1e3 * a).sum() <= 2e-9


def test_warning():
    a, b, M = problem(30, 30)
    call = {"reg": 1e-4, "stopThr": 1e-13, "time_limit": 0}
    with pytest.warns(ConvergenceWarning, match="sinkhorn: .*marginal error.*numItermax") as caught:
        sinkhorn(a, b, M, **call)
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(ConvergenceWarning, match="sinkhorn2: .*TIME_LIMIT.*3 of 3 histograms"):
        sinkhorn2(a, histograms(30, 3), M, warn=True, **call)


def test_no_warning_where_pot_has_none(recwarn):
    a, b, M = problem(30, 30)
    call = {"reg": 1e-4, "stopThr": 1e-13, "time_limit": 0}
    sinkhorn(a, b, M, warn=False, **call)
    sinkhorn2(a, b, M, **call)
    assert not recwarn.list


def test_verbose_prints(capsys):
    a, b, M = problem(5, 4)
    sinkhorn(a, b, M, 0.1)
    assert capsys.readouterr().out == ""
    sinkhorn(a, b, M, 0.1, verbose=True)
    assert capsys.readouterr().out


def test_pot_keywords_without_effect():
    a, b, M = problem(5, 4)
    expected = sinkhorn(a, b, M, 0.1)
    P = sinkhorn(a, b, M, 0.1, "sinkhorn_epsilon_scaling", tau=1e3, epsilon0=1e4,
                 numInnerItermax=20, print_period=10)  # fmt: skip
    assert_array_equal(P, expected)


@pytest.mark.parametrize("function", [sinkhorn, sinkhorn2])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"a": [0.5, 0.5, -0.1, 0.1]},
            ValueError,
            "a must hold finite non-negative masses; got -0.1 at index 2",
        ),
        ({"a": [0.5, 0.5]}, ValueError, "a must have length 4"),
        ({"a": [np.nan, 1, 0, 0]}, ValueError, "a must hold finite non-negative masses; got nan"),
        ({"a": np.zeros(4)}, ValueError, "a must have a positive total"),
        ({"a": np.eye(4)}, ValueError, "a must have shape"),
        ({"b": [0.5, 0.2, 0.2]}, ValueError, "a and b must have the same total mass"),
        ({"b": [0.5, 0.5]}, ValueError, "b must have length 3"),
        ({"b": np.full((2, 2), 0.5)}, ValueError, "b must have length 3"),
        ({"M": np.ones(4)}, ValueError, "M must be a non-empty matrix"),
        ({"M": np.ones((0, 3))}, ValueError, "M must be a non-empty matrix"),
        ({"M": np.full((4, 3), np.nan)}, ValueError, "M contains NaN"),
        ({"M": np.full((4, 3), np.inf)}, ValueError, "M contains infinity"),
        ({"reg": 0.0}, ValueError, "reg must be a number > 0"),
        ({"reg": np.inf}, ValueError, "reg must be finite"),
        ({"reg": "1"}, TypeError, "reg must be a number > 0"),
        ({"method": "simplex"}, ValueError, "method must be one of 'sinkhorn', "),
        ({"method": None}, ValueError, "method must be one of"),
        ({"numItermax": 0}, ValueError, "numItermax must be an integer >= 1"),
        ({"stopThr": -1.0}, ValueError, "stopThr must be a number >= 0"),
        ({"log": 1}, TypeError, "log must be True or False"),
        ({"warn": None}, TypeError, "warn must be True or False"),
        ({"verbose": 2}, TypeError, "verbose must be True or False"),
        ({"warmstart": 3}, TypeError, "warmstart must be a pair"),
        ({"warmstart": ([0.0] * 4,)}, ValueError, "warmstart must be a pair"),
        ({"warmstart": ([0.0] * 4, [0.0] * 4)}, ValueError, "warmstart must hold an array of"),
        ({"warmstart": ([np.nan] * 4, [0.0] * 3)}, ValueError, "warmstart contains NaN"),
        ({"warmstart": [([0.0] * 4, [0.0] * 3)] * 2}, ValueError, "warmstart must .* got 2 pairs"),
        ({"maxiter": 3}, TypeError, "unexpected keyword argument 'maxiter'"),
        ({"tol": 3}, TypeError, "unexpected keyword argument 'tol'"),
    ],
)
def test_wrong_argument(function, change, error, message):
    arguments = {"a": [0.25] * 4, "b": [0.5, 0.25, 0.25], "M": np.ones((4, 3)), "reg": 1.0}
    with pytest.raises(error, match=message):
        function(**{**arguments, **change})


# ----------------------------------------------------------------------------------- POT itself


@pytest.fixture
def pot():
    return pytest.importorskip("ot")


@pytest.mark.parametrize("method", METHODS)
def test_as_pot(pot, method):
    a, b, M = problem(8, 6)
    call = {"reg": 0.1, "method": method, "numItermax": 20000}
    P, log = sinkhorn(a, b, M, **call, log=True)
    theirs, their_log = pot.sinkhorn(a, b, M, **call, log=True)
    assert_allclose(P, theirs, atol=1e-7)
    assert P.dtype == theirs.dtype
    assert set(their_log) <= set(log)
    for key in set(their_log) - {"err", "niter", "n_iter", "warmstart"}:
        assert log[key].shape == their_log[key].shape
    if "warmstart" in their_log:
        ours, theirs = log["warmstart"][0], their_log["warmstart"][0]
        assert_allclose(ours - ours[0], theirs - theirs[0], atol=1e-6)


@pytest.mark.parametrize("method", ["sinkhorn", "sinkhorn_log", "sinkhorn_stabilized"])
def test_as_pot_with_several_histograms(pot, method):
    a, _, M = problem(8, 6)
    B = histograms(6, 3)
    for ours, theirs in ((sinkhorn, pot.sinkhorn), (sinkhorn2, pot.sinkhorn2)):
        expected, their_log = theirs(a, B, M, 0.1, method=method, log=True, stopThr=1e-12)
        costs, log = ours(a, B, M, 0.1, method=method, log=True)
        assert_allclose(costs, expected, atol=1e-7)
        assert set(their_log) <= set(log)
        for key in {"u", "v", "log_u", "logu"} & set(their_log):
            assert log[key].shape == their_log[key].shape


@pytest.mark.parametrize("method", ["sinkhorn", "sinkhorn_log", "sinkhorn_stabilized"])
def test_cost_as_pot(pot, method):
    a, b, M = problem(8, 6)
    for dtype in (np.float64, np.float32):
        given = [x.astype(dtype) for x in (a, b, M)]
        ours, theirs = sinkhorn2(*given, 0.1, method), pot.sinkhorn2(*given, 0.1, method)
        assert ours == pytest.approx(float(theirs), rel=1e-6 if dtype == np.float64 else 1e-3)
        assert type(ours) is type(theirs)


@pytest.mark.parametrize("method", ["sinkhorn", "sinkhorn_log", "sinkhorn_stabilized"])
def test_warm_starts_are_exchanged_with_pot(pot, method):
    a, b, M = problem(8, 6)
    start = sinkhorn(a, b, M, 0.1, method=method, log=True, stopThr=1e-12)[1]["warmstart"]
    _, theirs = pot.sinkhorn(a, b, M, 0.1, method=method, log=True, warmstart=start)
    assert theirs.get("niter", theirs.get("n_iter")) == 0
