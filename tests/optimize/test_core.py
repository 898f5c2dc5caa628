"""The core's Newton method, against published optima, plain numpy and the theory."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from math import inf, log, nan
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from cycloid import _core
from tests.optimize.hard_problems import HARD
from tests.optimize.problems import STANDARD

pytestmark = pytest.mark.numerical

Status = _core.Status


def minimize(problem, x0=None, y0=None, **options: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "inner": "auto",
        "accuracy": "forcing",
        "tol": 1e-8,
        "max_iter": 300,
        "max_inner": 100_000,
        "eta1": 1.0,
        "eta2": 0.1,
        "delta": 0.1,
        "seed": 0,
        "n_threads": 1,
        "time_limit": inf,
        "observer": None,
    }
    x0 = np.array(problem.start if x0 is None else x0, dtype=float)
    return _core.newton_minimize(problem, x0, y0, **defaults | options)


@dataclass
class Quadratic:
    """0.5 x'Hx + q'x subject to A x = b."""

    H: Any
    q: np.ndarray
    A: Any
    b: np.ndarray

    @property
    def n(self):
        return len(self.q)

    @property
    def m(self):
        return len(self.b)

    def objective(self, x):
        return 0.5 * x @ (self.H @ x) + self.q @ x

    def gradient(self, x):
        return self.H @ x + self.q

    def constraints(self, x):
        return self.A @ x - self.b

    def jacobian(self, x):
        return self.A

    def hessian(self, x, y):
        return self.H


class Products(Quadratic):
    def jacobian(self, x):
        return None

    def hessian(self, x, y):
        return None

    def jacobian_product(self, x, v):
        return self.A @ v

    def jacobian_transpose_product(self, x, w):
        return self.A.T @ w

    def hessian_product(self, x, y, v):
        return self.H @ v


class Scalar:
    """f(x) of one variable, without constraints."""

    n, m = 1, 0

    def __init__(self, value, slope, curvature):
        self.objective = lambda x: value(x[0])
        self.gradient = lambda x: np.array([slope(x[0])])
        self.hessian = lambda x, y: np.array([[curvature(x[0])]])


def quadratic(n: int, m: int, seed: int = 0) -> Quadratic:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n, n))
    return Quadratic(
        root @ root.T / n + np.eye(n),
        rng.standard_normal(n),
        rng.standard_normal((m, n)),
        rng.standard_normal(m),
    )


def solved(problem: Quadratic) -> np.ndarray:
    m = problem.m
    H, A = (a.toarray() if sparse.issparse(a) else a for a in (problem.H, problem.A))
    kkt = np.block([[H, A.T], [A, np.zeros((m, m))]])
    return np.linalg.solve(kkt, np.concatenate([-problem.q, problem.b]))


def assert_solves(problem, result, optimum, tol=1e-8):
    assert result["status"] == Status.CONVERGED
    x, y = result["x"], result["y"]
    residual = problem.gradient(x) + problem.jacobian(x).T @ y
    kkt = np.linalg.norm(np.concatenate([residual, problem.constraints(x)]))
    assert kkt <= tol
    assert result["violation"] == pytest.approx(kkt, rel=1e-4, abs=1e-3 * tol)
    assert result["objective"] == problem.objective(x)
    assert result["objective"] <= optimum + 1e-6 * max(1, abs(optimum))


@pytest.mark.parametrize("problem", STANDARD.values(), ids=str)
def test_small_problems(problem):
    assert_solves(problem, minimize(problem), problem.optimum)


def test_small_problems_take_few_iterations():
    # IPOPT takes 290 for 41 of these problems.
    assert sum(minimize(problem)["n_iter"] for problem in STANDARD.values()) <= 300


@pytest.mark.parametrize("problem", HARD.values(), ids=str)
def test_hard_problems_end_honestly(problem):
    result = minimize(problem, max_iter=500)
    assert result["n_iter"] <= 500
    x, y = result["x"], result["y"]
    if result["status"] == Status.CONVERGED:
        assert problem.kkt(x, y) <= 1e-8
    elif result["status"] == Status.INFEASIBLE:
        c, J = problem.constraints(x), problem.jacobian(x)
        assert np.linalg.norm(c) > 1e-4
        assert np.linalg.norm(J.T @ c) <= 1e-6 * np.linalg.norm(c)


@pytest.mark.parametrize("inner", ["gaussian", "kaczmarz"])
def test_the_papers_method(inner):
    """Hong et al. (2023): a median of 5 outer iterations to a KKT residual of 1e-4."""
    names = ["HS6", "HS7", "HS28", "HS40", "HS48", "HS51", "BT3", "BT9", "BT10", "HS78", "BOOTH"]
    results = [
        minimize(STANDARD[name], inner=inner, accuracy="adaptive", tol=1e-4, max_inner=20_000)
        for name in names
    ]
    assert all(result["status"] == Status.CONVERGED for result in results)
    assert np.median([result["n_iter"] for result in results]) <= 6
    assert all(result["n_inner"] > 0 for result in results)


@pytest.mark.parametrize("inner", ["gaussian", "kaczmarz"])
def test_the_seed_decides(inner):
    def run(seed, n_threads):
        return minimize(STANDARD["HS40"], inner=inner, seed=seed, tol=1e-6, n_threads=n_threads)[
            "x"
        ]

    assert np.array_equal(run(3, 1), run(3, 2))
    assert not np.array_equal(run(3, 1), run(4, 1))


@pytest.mark.parametrize(("n", "m"), [(1, 0), (1, 1), (5, 2), (7, 7), (40, 0), (60, 25)])
@pytest.mark.parametrize("form", ["dense", "csc", "csr", "int64", "products", "float32"])
def test_a_quadratic_program_takes_one_step_in_every_form(n, m, form):
    problem = quadratic(n, m)
    if form == "products":
        problem = Products(problem.H, problem.q, problem.A, problem.b)
    elif form == "float32":
        problem.H, problem.A = np.float32(problem.H), np.float32(problem.A)
        problem.H.flags.writeable = False
    elif form != "dense":
        make = sparse.csr_array if form == "csr" else sparse.csc_array
        problem.H, problem.A = make(problem.H), make(problem.A)
        if form == "int64":
            for matrix in (problem.H, problem.A):
                matrix.indices = matrix.indices.astype(np.int64)
                matrix.indptr = matrix.indptr.astype(np.int64)
    result = minimize(problem, np.zeros(n), tol=1e-7)
    assert result["status"] == Status.CONVERGED
    assert result["n_iter"] <= (6 if form == "products" else 1)
    expected = solved(problem)
    np.testing.assert_allclose(np.concatenate([result["x"], result["y"]]), expected, atol=1e-5)


def test_a_large_sparse_program():
    n = 3000
    H = sparse.diags_array(np.linspace(0.1, 2, n)).tocsc()
    A = sparse.diags_array([np.ones(n), -np.ones(n - 1)], offsets=[0, 1]).tocsr()[: n // 2]
    problem = Quadratic(H, np.sin(np.arange(n)), A, np.full(n // 2, 0.1))
    result = minimize(problem, np.zeros(n))
    assert result["status"] == Status.CONVERGED
    assert result["n_iter"] == 1


def test_duplicate_entries_of_a_sparse_matrix_add_up():
    problem = quadratic(3, 1)
    values = problem.A[0].repeat(2) / 2
    problem.A = sparse.csr_array((values, np.repeat(np.arange(3), 2), [0, 6]), shape=(1, 3))
    assert_solves(problem, minimize(problem, np.zeros(3)), inf)


def test_nan_shortens_the_step():
    problem = Scalar(lambda t: t - log(t) if t > 0 else nan, lambda t: 1 - 1 / t, lambda t: t**-2)
    result = minimize(problem, [2.5])  # the full step ends at -1.25
    assert result["status"] == Status.CONVERGED
    assert result["x"][0] == pytest.approx(1, abs=1e-8)
    assert minimize(problem, [-1.0])["status"] == Status.NUMERICAL_ERROR


@pytest.mark.parametrize("name", ["gradient", "hessian"])
def test_derivatives_that_are_not_finite_shorten_the_step(name):
    problem = Scalar(lambda t: (t**2 + 1) ** 0.5, lambda t: t * (t**2 + 1) ** -0.5,
                     lambda t: (t**2 + 1) ** -1.5)  # fmt: skip
    good = getattr(problem, name)
    setattr(problem, name, lambda x, *y: good(x, *y) * (nan if abs(x[0]) > 0.9 else 1))
    result = minimize(problem, [0.9])
    assert result["status"] == Status.CONVERGED
    assert abs(result["x"][0]) <= 1e-8


@pytest.mark.parametrize(
    "name", ["objective", "gradient", "constraints", "jacobian_product", "hessian_product"]
)
@pytest.mark.parametrize("error", [ZeroDivisionError("here"), KeyboardInterrupt()])
def test_what_a_callable_raises_passes_through(name, error):
    base = quadratic(4, 2)
    problem = Products(base.H, base.q, base.A, base.b)

    def fail(*arguments):
        raise error

    setattr(problem, name, fail)
    with pytest.raises(type(error)) as caught:
        minimize(problem, np.zeros(4))
    assert caught.value is error


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gradient", np.zeros(5)),
        ("constraints", np.zeros(1)),
        ("jacobian", np.zeros((4, 2))),
        ("jacobian", sparse.csc_array((2, 5))),
        ("hessian", np.zeros((4, 5))),
        ("hessian", np.zeros(4)),
    ],
)
def test_wrong_shapes_are_named(name, value):
    problem = quadratic(4, 2)
    setattr(problem, name, lambda *arguments: value)
    with pytest.raises(ValueError, match=rf"^{name} must return .* of shape"):
        minimize(problem, np.zeros(4))


def test_wrong_arguments_are_named():
    problem = quadratic(4, 2)
    with pytest.raises(ValueError, match="x0 must be of length 4"):
        minimize(problem, np.zeros(3))
    with pytest.raises(ValueError, match="y0 must be of length 2"):
        minimize(problem, np.zeros(4), np.zeros(3))
    with pytest.raises(ValueError, match="inner must be one of"):
        minimize(problem, np.zeros(4), inner="gmres")


def test_the_start_stays_as_it_is():
    problem = quadratic(4, 2)
    x0 = np.ones(4)
    x0.flags.writeable = False
    result = minimize(problem, x0)
    assert np.array_equal(x0, np.ones(4))
    again = minimize(problem, result["x"], result["y"])
    assert again["n_iter"] == 0


class Circles(Quadratic):
    """min x_1 on circles around zero."""

    def __init__(self, *squares):
        self.q, self.squares = np.array([1.0, 0.0]), np.array(squares, dtype=float)
        self.b = self.squares

    def objective(self, x):
        return x[0]

    def gradient(self, x):
        return self.q

    def constraints(self, x):
        return x @ x - self.squares

    def jacobian(self, x):
        return np.tile(2 * x, (self.m, 1))

    def hessian(self, x, y):
        return 2 * y.sum() * np.eye(2)


def test_constraints_that_are_there_twice():
    result = minimize(Circles(4, 4), [1.0, 1.0])
    assert_solves(Circles(4, 4), result, -2)
    problem = quadratic(6, 2)
    problem.A, problem.b = np.tile(problem.A, (3, 1)), np.tile(problem.b, 3)
    result = minimize(problem, np.zeros(6))
    assert_solves(problem, result, inf)
    assert result["n_iter"] <= 5


@pytest.mark.parametrize("m", [2, 5])
def test_constraints_that_contradict_each_other(m):
    result = minimize(Circles(*np.linspace(1, 4, m)), [1.0, 1.0])
    assert result["status"] == Status.INFEASIBLE
    assert result["x"] @ result["x"] == pytest.approx(2.5, abs=1e-6)
    problem = quadratic(3, 1)
    problem.A, problem.b = np.ones((2, 3)), np.array([0.0, 1.0])
    assert minimize(problem, np.zeros(3))["status"] == Status.INFEASIBLE
    nowhere = Circles(-1)
    result = minimize(nowhere, [1.0, 1.0])
    assert result["status"] == Status.INFEASIBLE
    assert np.abs(result["x"]).max() < 1e-3


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_unbounded(form):
    A = np.array([[1.0, 1.0, 0.0]])
    H = np.zeros((3, 3))
    if form == "sparse":
        A, H = sparse.csc_array(A), sparse.csc_array(H)
    linear = Quadratic(H, np.array([1.0, 0.0, 1.0]), A, np.array([1.0]))
    assert minimize(linear, np.zeros(3))["status"] == Status.UNBOUNDED
    concave = Quadratic(-np.eye(3), np.zeros(3), A, np.array([1.0]))
    assert minimize(concave, np.array([1.0, 0.5, 0.2]))["status"] == Status.UNBOUNDED


def test_more_constraints_than_unknowns():
    rng = np.random.default_rng(0)
    problem = quadratic(3, 5)
    problem.b = problem.A @ rng.standard_normal(3)
    assert_solves(problem, minimize(problem, np.zeros(3)), inf)


def test_limits():
    problem = STANDARD["HS47"]
    result = minimize(problem, max_iter=4)
    assert result["status"] == Status.MAX_ITER
    assert result["n_iter"] == 4
    assert np.array_equal(result["trace"]["iteration"], np.arange(5))
    assert minimize(problem, max_iter=0)["status"] == Status.MAX_ITER
    start = time.perf_counter()
    result = minimize(problem, inner="gaussian", tol=0.0, max_inner=10**9, time_limit=0.1)
    assert result["status"] == Status.TIME_LIMIT
    assert time.perf_counter() - start < 1


def test_the_observer_sees_rows_and_may_stop():
    rows = []

    def observer(row):
        rows.append(row)
        return True

    result = minimize(STANDARD["HS47"], observer=observer)
    assert result["status"] == Status.STOPPED
    assert len(rows) == 1
    assert set(rows[0]) == set(result["trace"])
    assert {"iteration", "seconds", "objective", "violation", "step"} <= set(rows[0])


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
def test_an_interruption_is_noticed_within_a_solve():
    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        start = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            minimize(quadratic(30, 10), np.zeros(30), inner="gaussian", tol=0.0, max_inner=10**9)
        assert time.perf_counter() - start < 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
