"""Stopping, watching, threads, signals and forks."""

import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from cycloid import _core
from cycloid.linear_model import (
    ElasticNet,
    Lasso,
    LogisticRegression,
    Status,
    enet_path,
    lasso_path,
    logistic_path,
)

PATHS = [lasso_path, logistic_path]


def labelled(path, data):
    X, y = data
    return (X, y > y.mean()) if path is logistic_path else (X, y)


@pytest.mark.parametrize("path", PATHS)
def test_callback_sees_every_alpha(path, regression):
    rows = []
    result = path(*labelled(path, regression), alphas=5, callback=rows.append)
    assert {row["alpha"] for row in rows} == set(result.alphas)
    assert set(rows[0]) == set(result.trace)
    assert all(isinstance(value, float) for value in rows[0].values())
    last = {row["alpha"]: row for row in rows}
    for k, alpha in enumerate(result.alphas):
        assert last[alpha]["gap"] == result.gaps[k]


@pytest.mark.parametrize("path", PATHS)
def test_callback_stops(path, regression):
    X, y = labelled(path, regression)
    full = path(X, y, alphas=10)
    with pytest.warns(ConvergenceWarning, match=r"Status\.STOPPED"):
        stopped = path(X, y, alphas=10, callback=lambda row: row["alpha"] < full.alphas[3])
    assert stopped.status == Status.STOPPED
    assert len(stopped.alphas) == stopped.coefs.shape[1] == 5
    assert stopped.n_missing == 5
    assert_array_equal(stopped.coefs[:, :4], full.coefs[:, :4])
    assert not stopped.converged


def test_callback_stops_within_a_solve(regression):
    with pytest.warns(ConvergenceWarning, match=r"the callback ended the solve \(Status\.STOPPED"):
        model = Lasso(alpha=1e-3, tol=1e-12, callback=lambda row: True).fit(*regression)
    assert model.result_.status == Status.STOPPED
    assert model.n_iter_ == 1


def test_stop_at_the_last_row_changes_nothing(regression):
    path = lasso_path(*regression, alphas=1, callback=lambda row: True)
    assert path.converged
    assert path.n_missing == 0


def test_numpy_booleans_and_none_from_a_callback(regression):
    assert lasso_path(*regression, alphas=2, callback=lambda row: None).converged
    assert lasso_path(*regression, alphas=2, callback=lambda row: np.False_).converged
    with pytest.warns(ConvergenceWarning):
        assert not lasso_path(*regression, alphas=2, callback=lambda row: np.True_).converged


class OddError(Exception):
    pass


@pytest.mark.parametrize("path", PATHS)
def test_exception_in_a_callback_comes_out_unchanged(path, regression):
    error = OddError("mine")

    def fail(row):
        raise error

    with pytest.raises(OddError) as caught:
        path(*labelled(path, regression), callback=fail)
    assert caught.value is error
    with pytest.raises(OddError):
        ElasticNet(callback=fail).fit(*regression)
    assert path(*labelled(path, regression), alphas=3).converged  # nothing is left behind


def hard_problem(n=2000, p=4000):
    """Takes minutes to the last digit: strong correlation, tiny penalty."""
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.standard_normal((n, p)))
    X += 3 * rng.standard_normal((n, 1))
    return X, X[:, :50] @ rng.standard_normal(50) + rng.standard_normal(n)


@pytest.mark.parametrize("path", PATHS)
def test_time_limit(path):
    X, y = hard_problem()
    y = y > 0 if path is logistic_path else y
    start = time.perf_counter()
    with pytest.warns(ConvergenceWarning, match=r"Status\.TIME_LIMIT.*Increase time_limit"):
        result = path(X, y, eps=1e-5, rtol=1e-12, time_limit=0.3, fit_intercept=True)
    assert time.perf_counter() - start < 1.5
    assert result.status == Status.TIME_LIMIT
    assert len(result.alphas) + result.n_missing == 100
    assert np.isfinite(result.coefs_sparse.data).all()


def test_time_limit_zero_and_none(regression):
    with pytest.warns(ConvergenceWarning, match="TIME_LIMIT"):
        model = Lasso(alpha=1e-3, time_limit=0).fit(*regression)
    assert model.result_.status == Status.TIME_LIMIT
    assert np.isfinite(model.coef_).all()
    assert Lasso(alpha=1e-3, time_limit=np.inf).fit(*regression).result_.converged


def test_iteration_limit_warns_with_what_helps(regression):
    with pytest.warns(ConvergenceWarning) as caught:
        model = Lasso(alpha=1e-3, max_iter=1, tol=1e-12).fit(*regression)
    (warning,) = caught
    assert warning.filename == __file__
    message = str(warning.message)
    assert message.startswith("Lasso: At alpha=0.001 the iteration limit came before")
    assert "(Status.MAX_ITER)" in message
    assert "after 1 iterations" in message
    assert "Increase max_iter" in message
    assert model.result_.status == Status.MAX_ITER
    assert model.result_.gap > model.result_.tolerance


def test_one_warning_for_a_whole_path(regression):
    with pytest.warns(ConvergenceWarning, match=r"lasso_path: \d+ of 20 solves did") as caught:
        path = lasso_path(*regression, alphas=20, max_iter=1, rtol=1e-14)
    assert len(caught) == 1
    assert len(path.alphas) == 20


def test_convergence_is_silent(regression, classification, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lasso_path(*regression)
        logistic_path(*classification)
        Lasso(alpha=0.1).fit(*regression)
        LogisticRegression().fit(*classification)
    assert capfd.readouterr() == ("", "")


def test_verbose_prints_a_line_an_alpha(regression, capfd):
    lasso_path(*regression, alphas=6, verbose=1)
    out, err = capfd.readouterr()
    header, *lines = out.splitlines()
    assert header.split() == ["alpha", "iteration", "seconds", "objective", "gap", "violation",
                              "n_active", "n_working"]  # fmt: skip
    assert len(lines) == 6
    assert all(len(line) <= 120 for line in lines)
    assert err == ""
    lasso_path(*regression, alphas=6, verbose=True)
    assert len(capfd.readouterr().out.splitlines()) == 7


def test_progress_bar(regression, capfd):
    pytest.importorskip("tqdm")
    lasso_path(*regression, alphas=6, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "6/6" in err


def test_progress_bar_without_tqdm(regression, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="pip install tqdm"):
        lasso_path(*regression, progress=True)


def run(code):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


SLOW = """
import time
import numpy as np
import cycloid.linear_model as lm
rng = np.random.default_rng(0)
n, p = {shape}
X = np.asfortranarray(rng.standard_normal((n, p)))
X += 3 * rng.standard_normal((n, 1))
y = X[:, :50] @ rng.standard_normal(50) + rng.standard_normal(n)
print("ready")
try:
    {call}
    print("finished")
except KeyboardInterrupt:
    print("interrupted", time.time())
"""


@pytest.mark.parametrize(
    "call",
    [
        "lm.lasso_path(X, y, eps=1e-7, rtol=1e-15)",
        "lm.lasso_path(X, y, eps=1e-7, rtol=1e-15, precompute=True)",
        "lm.logistic_path(X, y > 0, eps=1e-7, rtol=1e-15)",
        "lm.LassoCV(eps=1e-7, tol=1e-15, n_jobs=2, n_threads=2).fit(X, y)",
    ],
)
def test_interrupt_returns_at_once(call):
    process = run(SLOW.format(shape=(1200, 5000), call=call))
    try:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        time.sleep(0.6)
        sent = time.time()
        process.send_signal(signal.SIGINT)
        word, when = process.stdout.readline().split()
        assert word == "interrupted"
        # 0.1 s on a machine of one's own; the sanitizers' build is some twenty times slower.
        assert float(when) - sent < (1 if _core.build_info["build"] == "release" else 10)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()


FORK = """
import os, sys
import numpy as np
from cycloid.linear_model import LassoCV, lasso_path
rng = np.random.default_rng(0)
X = rng.standard_normal((1000, 200))
y = X[:, :5].sum(axis=1)
before = lasso_path(X, y, alphas=5, n_threads=2, precompute=False)
LassoCV(alphas=3, cv=2, n_jobs=2, n_threads=2).fit(X, y)
child = os.fork()
if child == 0:
    after = lasso_path(X, y, alphas=5, n_threads=2, precompute=False)
    os._exit(0 if np.array_equal(after.coefs, before.coefs) else 3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_after_threads_does_not_hang():
    finished = subprocess.run([sys.executable, "-c", FORK], timeout=60, check=False)
    assert finished.returncode == 0


def test_solves_in_several_python_threads():
    from concurrent.futures import ThreadPoolExecutor

    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 100))
    y = X[:, :5].sum(axis=1) + rng.standard_normal(300)
    expected = enet_path(X, y, alphas=10)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(enet_path, X, y, alphas=10, n_threads=2) for _ in range(8)]
        for future in futures:
            assert_array_equal(future.result().coefs, expected.coefs)


def test_other_threads_run_during_a_solve():
    """The GIL is released: a thread that only counts goes on."""
    import threading

    X, y = hard_problem(1000, 2000)
    ticks, done = [], threading.Event()

    def count():
        while not done.wait(0.005):
            ticks.append(time.perf_counter())

    thread = threading.Thread(target=count)
    thread.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        lasso_path(X, y, eps=1e-5, rtol=1e-12, time_limit=0.5)
    done.set()
    thread.join()
    assert len(ticks) > 20
