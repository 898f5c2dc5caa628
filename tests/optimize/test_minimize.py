"""minimize on the collection of problems, in all the ways to write one down."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from sklearn.exceptions import ConvergenceWarning

from cycloid.optimize import Status, minimize, sketched_newton
from tests.optimize.hard_problems import HARD
from tests.optimize.problem import Problem
from tests.optimize.problems import STANDARD

pytestmark = pytest.mark.numerical

# At these the answer is honest rather than a solution: see their test.
UNSOLVED = {"FLT", "HATFLDF", "HIMMELBD", "POWELLSQ"}
# They have several minima, and the one found is not the lowest.
SEVERAL_MINIMA = {"BT7", "HS61"}


def written(problem: Problem, wrap=np.asarray) -> dict:
    """Arguments of `minimize` for a problem; `wrap` gives the matrices a form."""

    def hessian_of_objective(x):
        return wrap(problem.hessian(x, np.zeros(problem.m)))

    def hessian_of_constraints(x, v):
        return wrap(problem.hessian(x, v) - problem.hessian(x, np.zeros(problem.m)))

    return {
        "fun": problem.objective,
        "x0": problem.start,
        "jac": problem.gradient,
        "hess": hessian_of_objective,
        "constraints": NonlinearConstraint(
            problem.constraints,
            0,
            0,
            jac=lambda x: wrap(problem.jacobian(x)),
            hess=hessian_of_constraints,
        ),
    }


def assert_solved(problem: Problem, result, tol=1e-8):
    assert result.success, result.message
    assert problem.kkt(result.x, result.multipliers) <= 1.01 * tol
    if problem.name not in SEVERAL_MINIMA:
        assert result.fun <= problem.optimum + 1e-5 * (1 + abs(problem.optimum))


@pytest.mark.parametrize("problem", STANDARD.values(), ids=str)
def test_standard_problems(problem):
    result = minimize(**written(problem))
    assert_solved(problem, result)
    assert result.nit <= 60


@pytest.mark.parametrize(
    "problem", [p for name, p in HARD.items() if name not in UNSOLVED], ids=str
)
def test_hard_problems(problem):
    assert_solved(problem, minimize(**written(problem)))


@pytest.mark.parametrize("name", sorted(UNSOLVED))
def test_honest_where_no_solution_is_near(name):
    """A solution, or a point where the violation of the constraints is stationary."""
    problem = HARD[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = minimize(**written(problem))
    if result.success:
        assert problem.kkt(result.x, result.multipliers) <= 1e-8
        return
    assert result.status in (Status.INFEASIBLE, Status.STALLED, Status.MAX_ITER)
    if result.status == Status.INFEASIBLE:
        steepest = problem.jacobian(result.x).T @ problem.constraints(result.x)
        assert np.linalg.norm(steepest) <= 1e-5 * np.linalg.norm(problem.constraints(result.x))


@pytest.mark.parametrize("inner", ["gaussian", "kaczmarz"])
@pytest.mark.parametrize("name", ["HS6", "HS28", "HS48", "BT3", "HS78"])
def test_sketches_by_name(name, inner):
    problem = STANDARD[name]
    results = [
        minimize(**written(problem), inner=inner, tol=1e-4, random_state=1, n_threads=threads)
        for threads in (1, 2)
    ]
    assert_solved(problem, results[0], 1e-4)
    assert results[0].n_inner > results[0].nit
    np.testing.assert_array_equal(results[0].x, results[1].x)


# -------------------------------------------------------------------------- forms of a problem


@pytest.mark.parametrize(
    "wrap", [sparse.csc_matrix, sparse.csr_array, sparse.coo_array, aslinearoperator]
)
@pytest.mark.parametrize("name", ["HS7", "HS47", "HS100LNP", "BT6", "ORTHREGB"])
def test_sparse_matrices_and_operators(name, wrap):
    problem = STANDARD[name]
    assert_solved(problem, minimize(**written(problem, wrap)))


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 8),
    m=st.integers(0, 6),
    rank=st.integers(0, 6),
    is_sparse=st.booleans(),
)
def test_quadratic_programs(seed, n, m, rank, is_sparse):
    """Convex, with consistent constraints of any rank: against the equations of optimality."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n, n))
    P, q = root @ root.T + 0.1 * np.eye(n), rng.standard_normal(n)
    A = rng.standard_normal((m, min(rank, n))) @ rng.standard_normal((min(rank, n), n))
    b = A @ rng.standard_normal(n)
    wrap = sparse.csr_array if is_sparse else np.asarray
    result = minimize(
        lambda x: x @ P @ x / 2 + q @ x,
        rng.standard_normal(n),
        jac=lambda x: P @ x + q,
        hess=lambda x: wrap(P),
        constraints=[LinearConstraint(wrap(A), b, b)] if m else [],
        tol=1e-7,
    )
    whole = np.block([[P, A.T], [A, np.zeros((m, m))]])
    expected = np.linalg.lstsq(whole, np.concatenate([-q, b]), rcond=1e-10)[0][:n]
    assert result.success, result.message
    assert_allclose(result.x, expected, atol=1e-5)


def test_hessp():
    problem = STANDARD["HS77"]
    given = written(problem)
    hess = given.pop("hess")
    result = minimize(**given, hessp=lambda x, p: hess(x) @ p, inner="minres")
    assert_solved(problem, result)
    assert result.n_inner > 0


def test_mixed_constraints_are_stacked_in_order():
    """Linear sparse, linear dense, nonlinear and a dictionary, against SLSQP."""
    target = np.arange(6.0)
    constraints = [
        LinearConstraint(sparse.csr_array([[1.0, 1, 1, 0, 0, 0]]), 2, 2),
        NonlinearConstraint(
            lambda x: [x[3] ** 2 + x[4] ** 2, x[0] * x[5]],
            [4, 1],
            [4, 1],
            jac=lambda x: [[0, 0, 0, 2 * x[3], 2 * x[4], 0], [x[5], 0, 0, 0, 0, x[0]]],
            hess=lambda x, v: sparse.coo_array(
                ([2 * v[0], 2 * v[0], v[1], v[1]], ([3, 4, 0, 5], [3, 4, 5, 0])), shape=(6, 6)
            ),
        ),
        LinearConstraint([0, 1, 0, 0, 0, -1], -1, -1),
        {
            "type": "eq",
            "fun": lambda x, c: x[2] ** 3 - c,
            "jac": lambda x, c: [0, 0, 3 * x[2] ** 2, 0, 0, 0],
            "hess": lambda x, v, c: np.diag([0, 0, 6 * x[2] * v[0], 0, 0, 0]),
            "args": (0.5,),
        },
    ]
    result = minimize(
        lambda x: 0.5 * np.sum((x - target) ** 2),
        np.full(6, 0.7),
        jac=lambda x: x - target,
        hess=lambda x: sparse.eye_array(6),
        constraints=constraints,
    )
    x = result.x
    expected = [x[:3].sum() - 2, x[3] ** 2 + x[4] ** 2 - 4, x[0] * x[5] - 1, x[1] - x[5] + 1]
    assert result.success
    assert_allclose(result.constr, [*expected, x[2] ** 3 - 0.5], atol=1e-12)
    reference = scipy.optimize.minimize(
        lambda x: 0.5 * np.sum((x - target) ** 2),
        np.full(6, 0.7),
        method="SLSQP",
        constraints=constraints,
        options={"ftol": 1e-14},
    )
    assert result.fun <= reference.fun + 1e-9
    assert_allclose(result.constr_violation, np.abs(result.constr).max())


def test_arguments_reach_all_functions():
    result = minimize(
        lambda x, a, b: a * np.sum((x - b) ** 2),
        [0.0, 0.0],
        args=(2.0, np.array([1.0, 2.0])),
        jac=lambda x, a, b: 2 * a * (x - b),
        hess=lambda x, a, b: 2 * a * np.eye(2),
    )
    assert_allclose(result.x, [1, 2])
    alone = minimize(
        lambda x, a: a * x[0] ** 2,
        2.0,
        args=3.0,
        jac=lambda x, a: 2 * a * x,
        hess=lambda x, a: [[2 * a]],
    )
    assert_allclose(alone.x, [0], atol=1e-9)


def test_value_and_gradient_together_are_called_once_a_point():
    points = []

    def pair(x):
        points.append(x.copy())
        return 0.5 * x @ x, x

    constraint = LinearConstraint([[1, 2, 3]], 1, 1)
    result = minimize(pair, np.ones(3), jac=True, hess=lambda x: np.eye(3), constraints=constraint)
    assert_allclose(result.x, np.array([1, 2, 3]) / 14)
    assert len(points) == len(np.unique(points, axis=0)) == result.nfev


def test_as_a_method_of_scipy():
    problem = STANDARD["HS100LNP"]
    given = written(problem)
    seen = []
    result = scipy.optimize.minimize(
        given.pop("fun"),
        given.pop("x0"),
        **given,
        method=sketched_newton,
        tol=1e-9,
        callback=lambda intermediate_result: seen.append(intermediate_result.fun),
        options={"maxiter": 40, "disp": False},
    )
    assert_solved(problem, result, 1e-9)
    assert isinstance(result, scipy.optimize.OptimizeResult)
    assert len(seen) == result.nit
    assert result["x"] is result.x
    assert result.status == 0


@pytest.mark.parametrize("form", ["list", "read-only", "integers", "float32", "strided"])
def test_starts_of_all_kinds_stay_as_they_are(form):
    start = {
        "list": [3, 5, -3, 2, -2],
        "read-only": np.array([3.0, 5, -3, 2, -2]),
        "integers": np.array([3, 5, -3, 2, -2]),
        "float32": np.array([3, 5, -3, 2, -2], dtype=np.float32),
        "strided": np.array([3.0, 0, 5, 0, -3, 0, 2, 0, -2])[::2],
    }[form]
    if form == "read-only":
        start.flags.writeable = False
    problem = STANDARD["HS48"]
    given = written(problem) | {"x0": start}

    def spoiling(x):
        x[:] = 0  # a function may write to what it gets
        return problem.objective(given["x0"])

    before = np.array(start)
    minimize(**given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        minimize(**(given | {"fun": spoiling}), max_iter=2)
    np.testing.assert_array_equal(before, start)


# ------------------------------------------------------------------------ missing derivatives


@pytest.mark.parametrize("name", ["HS6", "HS7", "HS77", "HS78", "BT6", "HS28"])
def test_without_derivatives(name):
    problem = STANDARD[name]
    with pytest.warns(UserWarning, match="jac of the objective, hess of the objective, jac of"):
        result = minimize(
            problem.objective,
            problem.start,
            constraints=NonlinearConstraint(problem.constraints, 0, 0),
            tol=1e-6,
        )
    assert result.success
    assert problem.kkt(result.x, result.multipliers) <= 1e-5
    assert_allclose(result.fun, problem.optimum, atol=1e-5)


def test_warning_names_what_is_missing_and_where_from(recwarn):
    minimize(
        lambda x: x @ x, np.ones(2), jac=lambda x: 2 * x, constraints=LinearConstraint([1, 1], 1, 1)
    )
    (warning,) = recwarn
    assert "hess of the objective not given" in str(warning.message)
    assert warning.filename == __file__


@pytest.mark.parametrize("scheme", ["2-point", "3-point", "cs"])
def test_differences_by_name_do_not_warn(scheme, recwarn):
    result = minimize(
        lambda x: np.sum(x**4 / 4 + x**2 - 2 * x),
        np.zeros(4),
        jac=scheme,
        hess="3-point" if scheme == "cs" else scheme,
        constraints=LinearConstraint([1, 1, 0, 0], 1, 1),
        tol=1e-6,
    )
    assert not recwarn.list
    root = 0.7709169970592481  # of x**3 + 2 x - 2
    assert_allclose(result.x, [0.5, 0.5, root, root], atol=1e-6)


def test_jax():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        result = minimize(
            jax.jit(lambda x: jnp.sum(jnp.exp(x)) + x[0] * x[1]),
            np.array([1.0, -1.0, 0.5]),
            constraints={"type": "eq", "fun": lambda x: jnp.sum(x**2) - 1},
        )
    assert result.success
    x = result.x
    slope = np.exp(x) + [x[1], x[0], 0] + 2 * result.multipliers * x
    assert np.linalg.norm([*slope, x @ x - 1]) <= 1e-8


def test_torch():
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        result = minimize(
            lambda x: torch.sum(torch.exp(x)) + x[0] * x[1],
            torch.tensor([1.0, -1.0, 0.5]),
            constraints=NonlinearConstraint(lambda x: torch.stack([x @ x, x[2]]), [1, 0], [1, 0]),
        )
    assert result.success
    x = result.x
    slope = np.exp(x) + [x[1], x[0], 0] + 2 * result.multipliers[0] * x
    slope[2] += result.multipliers[1]
    assert np.linalg.norm([*slope, x @ x - 1, x[2]]) <= 1e-8


# ------------------------------------------------------------------------------ honest endings


def circle(**more):
    """(x0 + x1) on a circle, and a domain to the right of x0 = -0.9 for `fun` if asked for."""
    return {
        "fun": lambda x: x[0] + x[1],
        "x0": [1.0, 0.2],
        "jac": lambda x: np.ones(2),
        "hess": lambda x: np.zeros((2, 2)),
        "constraints": NonlinearConstraint(
            lambda x: x @ x, 1, 1, jac=lambda x: 2 * x, hess=lambda x, v: 2 * v[0] * np.eye(2)
        ),
    } | more


def test_values_outside_the_domain_shorten_the_step():
    """The minimum of x - log(x) with Newton's first step to a negative x."""
    asked = []

    def fun(x):
        asked.append(x[0])
        return x[0] - np.log(x[0]) if x[0] > 0 else np.nan

    result = minimize(fun, [3.0], jac=lambda x: 1 - 1 / x, hess=lambda x: [[1 / x[0] ** 2]])
    assert min(asked) < 0
    assert_allclose(result.x, [1], rtol=1e-8)


@pytest.mark.parametrize("where", ["fun", "jac", "hess", "constraint"])
def test_exceptions_pass_through_unchanged(where):
    class Mine(Exception):
        pass

    error = Mine("from the user")
    calls = []

    def failing(*given):
        calls.append(given)
        raise error

    more = (
        {where: failing}
        if where != "constraint"
        else {"constraints": {"type": "eq", "fun": failing}}
    )
    with pytest.raises(Mine) as caught:
        minimize(**circle(**more))
    assert caught.value is error
    assert len(calls) == 1


def test_nan_at_the_start_is_a_status():
    with pytest.warns(ConvergenceWarning, match="Status.NUMERICAL_ERROR"):
        result = minimize(**circle(fun=lambda x: np.nan))
    assert result.status == Status.NUMERICAL_ERROR
    assert not result.success


def test_contradicting_constraints():
    with pytest.warns(ConvergenceWarning, match="contradict"):
        result = minimize(
            lambda x: x @ x,
            [3.0, 1.0],
            jac=lambda x: 2 * x,
            hess=lambda x: 2 * np.eye(2),
            constraints=LinearConstraint([[1, 1], [1, 1]], [0, 2], [0, 2]),
        )
    assert result.status == Status.INFEASIBLE
    assert_allclose(result.constr, [1, -1], atol=1e-6)


def test_dependent_constraints_are_no_obstacle():
    result = minimize(
        lambda x: x @ x,
        [3.0, 1.0],
        jac=lambda x: 2 * x,
        hess=lambda x: 2 * np.eye(2),
        constraints=LinearConstraint([[1, 1], [2, 2], [0, 0]], [2, 4, 0], [2, 4, 0]),
    )
    assert_allclose(result.x, [1, 1], atol=1e-7)


def test_unbounded():
    with pytest.warns(ConvergenceWarning, match="falls without end"):
        result = minimize(
            lambda x: -(x[0] ** 2) - x[1],
            [1.0, 1.0],
            jac=lambda x: [-2 * x[0], -1],
            hess=lambda x: np.diag([-2, 0]),
            constraints=LinearConstraint([1, -1], 0, 0),
        )
    assert result.status == Status.UNBOUNDED


def test_more_constraints_than_unknowns():
    """Consistent: the point is found. Not consistent: said so."""
    rng = np.random.default_rng(0)
    A, x = rng.standard_normal((7, 3)), rng.standard_normal(3)
    given = {
        "fun": lambda x: x @ x,
        "x0": np.zeros(3),
        "jac": lambda x: 2 * x,
        "hess": lambda x: 2 * np.eye(3),
    }
    assert_allclose(minimize(**given, constraints=LinearConstraint(A, A @ x, A @ x)).x, x)
    b = rng.standard_normal(7)
    with pytest.warns(ConvergenceWarning, match="INFEASIBLE"):
        minimize(**given, constraints=LinearConstraint(A, b, b))


def test_max_iter_and_multipliers_to_go_on_from():
    problem = STANDARD["HS100LNP"]
    with pytest.warns(ConvergenceWarning, match="Increase max_iter"):
        short = minimize(**written(problem), max_iter=3)
    assert (short.status, short.nit) == (Status.MAX_ITER, 3)
    given = written(problem) | {"x0": short.x}
    assert_solved(problem, minimize(**given, multipliers_init=short.multipliers))


def test_time_limit():
    def slow(x):
        time.sleep(0.02)
        return x[0] + x[1]

    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = minimize(**circle(fun=slow), time_limit=0.03)
    assert result.status == Status.TIME_LIMIT


@pytest.mark.parametrize("how", ["true", "stop"])
def test_callback_ends_the_solve(how):
    points = []

    def callback(x):
        points.append(x)
        if how == "stop" and len(points) == 2:
            raise StopIteration
        return len(points) == 2

    problem = STANDARD["HS100LNP"]
    with pytest.warns(ConvergenceWarning, match="the callback ended"):
        result = minimize(**written(problem), callback=callback)
    assert result.status == Status.STOPPED
    assert len(points) == result.nit == 2
    np.testing.assert_array_equal(points[-1], result.x)


def test_callback_exception_passes_through():
    def callback(x):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        minimize(**circle(), callback=callback)


def test_table(capsys):
    result = minimize(**circle(), verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert "violation" in lines[0]
    assert len(lines) == 2 + result.nit


def test_trace_and_counts():
    result = minimize(**circle())
    assert len(result.trace["violation"]) == result.nit + 1
    assert result.trace["violation"][-1] == pytest.approx(result.violation)
    assert result.violation <= result.tolerance == 1e-8
    assert result.nfev >= result.nit
    assert result.nhev >= result.nit


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("more", "error", "text"),
    [
        ({"fun": 3}, TypeError, "fun must be callable; got 3"),
        ({"fun": lambda x: x}, ValueError, r"fun must return one number; got shape \(2,\)"),
        ({"fun": lambda x: "no"}, TypeError, "fun must return real numbers"),
        ({"fun": lambda x: 1j}, TypeError, "fun must return real numbers"),
        ({"x0": [[1.0]]}, ValueError, r"x0 must be a non-empty vector; got shape \(1, 1\)"),
        ({"x0": []}, ValueError, "x0 must be a non-empty vector"),
        ({"x0": [np.nan, 1]}, ValueError, "x0 must be finite; got nan"),
        ({"x0": ["a"]}, TypeError, "x0 must hold real numbers"),
        ({"jac": lambda x: [1.0]}, ValueError, r"jac of fun must return shape \(1, 2\)"),
        ({"jac": "4-point"}, ValueError, "jac of fun must be callable, None or one of '2-point'"),
        ({"hess": lambda x: [1.0]}, ValueError, r"hess of fun must return shape \(2, 2\)"),
        ({"hess": 3}, ValueError, "hess of fun must be callable"),
        ({"hessp": lambda x, p: p}, ValueError, "hess and hessp exclude each other"),
        ({"hess": None, "hessp": 3}, TypeError, "hessp must be callable"),
        ({"inner": "cholesky"}, ValueError, "inner must be one of 'auto'"),
        ({"accuracy": "high"}, ValueError, "accuracy must be one of"),
        ({"tol": 0}, ValueError, "tol must be a number > 0"),
        ({"max_iter": 1.5}, TypeError, "max_iter must be an integer"),
        ({"callback": 3}, TypeError, "callback must be callable"),
        ({"multipliers_init": [1, 2]}, ValueError, "multipliers_init must hold 1 finite numbers"),
        ({"penalties_init": 3}, TypeError, "penalties_init must be a pair"),
        ({"bounds": [(0, 1), (0, 1)]}, ValueError, "bounds must be None or infinite"),
        ({"bounds": Bounds(0, np.inf)}, ValueError, "trust-constr"),
        ({"bounds": 3}, TypeError, "bounds must be None, scipy.optimize.Bounds or pairs"),
        ({"bounds": ["low"]}, TypeError, "bounds must be None, scipy.optimize.Bounds or pairs"),
        ({"constraints": 3}, TypeError, "constraints must be a scipy.optimize.LinearConstraint"),
        ({"constraints": [3]}, TypeError, r"constraints\[0\] must be a scipy.optimize.LinearCons"),
        ({"constraints": {"type": "eq"}}, ValueError, "must have the keys 'type' and 'fun'"),
        (
            {"constraints": {"type": "ineq", "fun": lambda x: x[0]}},
            ValueError,
            r"constraints\[0\] is of type 'ineq': this solver takes equalities only",
        ),
        (
            {"constraints": {"type": "equal", "fun": lambda x: x[0]}},
            ValueError,
            r"constraints\[0\]\['type'\] must be 'eq'; got 'equal'",
        ),
        (
            {"constraints": {"type": "eq", "fun": lambda x: x[0], "jacobian": 3}},
            ValueError,
            "got \\['fun', 'jacobian', 'type'\\]",
        ),
        (
            {"constraints": LinearConstraint([1, 1], 0, 1)},
            ValueError,
            r"constraints\[0\] is no equality: lb\[0\] = 0 and ub\[0\] = 1; this solver takes",
        ),
        (
            {"constraints": LinearConstraint([[1, 1, 1]], 0, 0)},
            ValueError,
            r"constraints\[0\].A must have shape \(m, 2\); got \(1, 3\)",
        ),
        ({"constraints": LinearConstraint([np.inf, 1], 0, 0)}, ValueError, "A must be finite"),
        ({"constraints": LinearConstraint([1, 1], np.inf, np.inf)}, ValueError, "must be finite"),
        ({"constraints": LinearConstraint([1, 1], np.nan, np.nan)}, ValueError, "no equality"),
        (
            {"constraints": LinearConstraint([1, 1], 0, 0, keep_feasible=True)},
            ValueError,
            "keep_feasible is not supported",
        ),
        (
            {"constraints": NonlinearConstraint(lambda x: x[0], 0, np.inf)},
            ValueError,
            r"constraints\[0\] is no equality: lb\[0\] = 0 and ub\[0\] = inf",
        ),
        (
            {
                "constraints": NonlinearConstraint(
                    lambda x: x[0], 0, 0, finite_diff_jac_sparsity=[[1, 0]]
                )
            },
            ValueError,
            "finite_diff_jac_sparsity is not supported",
        ),
    ],
)
def test_refusals(more, error, text):
    with pytest.raises(error, match=text):
        minimize(**circle(**more))


def test_values_must_keep_their_number():
    calls = []

    def growing(x):
        calls.append(x)
        return np.zeros(1 + (len(calls) > 1))

    with pytest.raises(ValueError, match=r"\.fun must return 1 values, as at x0; got 2"):
        minimize(
            **circle(
                constraints=NonlinearConstraint(
                    growing, 0, 0, jac=lambda x: [[1, 0]], hess=lambda x, v: np.zeros((2, 2))
                )
            )
        )


def test_infinite_bounds_pass():
    assert minimize(**circle(), bounds=[(None, np.inf)] * 2).success
    assert minimize(**circle(), bounds=Bounds()).success


def test_operator_without_a_transpose_says_so():
    operator = LinearOperator((1, 2), matvec=lambda v: v[:1], dtype=np.float64)
    constraint = NonlinearConstraint(
        lambda x: x[0], 1, 1, jac=lambda x: operator, hess=lambda x, v: np.zeros((2, 2))
    )
    with pytest.raises(NotImplementedError):
        minimize(**circle(constraints=constraint))
