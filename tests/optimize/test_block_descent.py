"""block_coordinate_descent against SciPy, NumPy and scikit-learn, and its contract."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso

from cycloid.optimize import (
    LeastSquares,
    Logistic,
    Quadratic,
    Softmax,
    Status,
    block_coordinate_descent,
)
from tests.optimize import block_problems
from tests.optimize.block_problems import KINDS, make, objective, shape_of, violation

pytestmark = pytest.mark.numerical

TERMS = {
    "smooth": {},
    "l1": {"l1": 1.5},
    "bounds": {"lower": -0.3, "upper": 0.2},
    "nonnegative l1": {"l1": 1.0, "lower": 0.0},
}
BLIND = ("random", "cyclic", "lipschitz")
SMOOTH = ("gs", "gsl", "gsd", "gsq")
PROXIMAL = ("gs-s", "gs-r", "gs-q", "gsl-r", "gsl-q")
UPDATES = ("gradient", "backtracking", "matrix", "newton", "two-metric")
PARTITIONS = ("variable", "order", "sort", "average")
GRAPH_PARTITIONS = ("red-black", "forests", "greedy-forest")


@pytest.fixture(scope="module")
def minima():
    """The lowest objectives of all problems, by SciPy."""
    problems = {(kind, name): make(kind, TERMS[name]) for kind in KINDS for name in TERMS}
    return {key: block_problems.minimum(p, shape_of(p)) for key, p in problems.items()}


# ---------------------------------------------------------------------------------- correctness


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("kind", KINDS)
def test_defaults_find_the_minimum(kind, terms, minima):
    problem = make(kind, TERMS[terms])
    result = block_coordinate_descent(problem, rtol=1e-9)
    assert result.converged
    assert result.x.shape == shape_of(problem)
    assert_allclose(result.objective, objective(problem, result.x), rtol=1e-12)
    assert_allclose(result.objective, minima[kind, terms], rtol=1e-8)
    assert_allclose(violation(problem, result.x), result.violation, rtol=1e-3, atol=1e-10)
    assert result.violation <= result.tolerance


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("selection", BLIND + SMOOTH + PROXIMAL)
@pytest.mark.parametrize("kind", KINDS)
def test_every_combination(kind, selection, update, minima):
    """One minimum, and the objective never rises on the way."""
    for name in ("smooth", "l1", "nonnegative l1") if selection not in SMOOTH else ("smooth",):
        problem = make(kind, TERMS[name])
        partitions = PARTITIONS
        if kind == "quadratic":
            partitions += GRAPH_PARTITIONS
        for partition in partitions:
            if partition == "greedy-forest" and selection in ("cyclic", "lipschitz", "gsq"):
                continue
            result = block_coordinate_descent(
                problem,
                partition=partition,
                selection=selection,
                update=update,
                block_size=4,
                rtol=1e-5,
            )
            assert result.converged, (name, partition)
            assert_allclose(result.objective, minima[kind, name], rtol=1e-6, err_msg=partition)
            values = result.trace["objective"]
            assert (np.diff(values) <= 1e-12 * abs(values).max()).all(), (name, partition)


def test_lasso_equals_scikit_learn(rng):
    A, b = rng.standard_normal((30, 50)), rng.standard_normal(30)
    found = block_coordinate_descent(LeastSquares(A, b, l1=30 * 0.1), rtol=1e-9)
    model = Lasso(alpha=0.1, fit_intercept=False, tol=1e-12, max_iter=10**5).fit(A, b)
    assert_allclose(found.x, model.coef_, atol=1e-6)


def test_bounds_equal_lsq_linear(rng):
    A, b = rng.standard_normal((30, 10)), rng.standard_normal(30)
    lower, upper = rng.uniform(-0.2, 0, 10), rng.uniform(0, 0.2, 10)
    found = block_coordinate_descent(LeastSquares(A, b, lower=lower, upper=upper), rtol=1e-9)
    expected = scipy.optimize.lsq_linear(A, b, (lower, upper), tol=1e-12)
    assert_allclose(found.x, expected.x, atol=1e-7)
    assert (found.x >= lower).all()
    assert (found.x <= upper).all()


def test_box_without_zero(rng):
    A, b = rng.standard_normal((20, 6)), rng.standard_normal(20)
    problem = LeastSquares(A, b, l1=2.0, lower=[0.1, -2, 0.3, -0.5, -1, 0.2], upper=0.5)
    for update in UPDATES:
        found = block_coordinate_descent(problem, update=update, rtol=1e-9)
        assert found.converged
        assert violation(problem, found.x) < 1e-6
    problem = LeastSquares(A, b, l1=2.0, lower=-1.0, upper=-0.25)
    assert violation(problem, block_coordinate_descent(problem, rtol=1e-9).x) < 1e-6


@pytest.mark.parametrize("selection", ["gs", "gsl", "gsd", "random"])
def test_forests_solve_the_field(selection, rng):
    A, b = block_problems.grid(20, rng), rng.standard_normal(400)
    found = block_coordinate_descent(
        Quadratic(A, b), partition="greedy-forest", selection=selection, rtol=1e-11
    )
    assert found.converged
    assert_allclose(found.x, sparse.linalg.spsolve(A, b), rtol=1e-8, atol=1e-10)
    assert found.trace["block_size"][1:].min() > 200  # about two thirds of a lattice


def test_a_tree_is_one_block(rng):
    """Messages on a forest give the solution at once."""
    parents = [int(rng.integers(i)) for i in range(1, 300)]
    weights = rng.uniform(0.5, 2, 299)
    W = sparse.coo_array((weights, (np.arange(1, 300), parents)), shape=(300, 300)).tocsc()
    W = W + W.T
    A = sparse.csc_array(sparse.diags_array(W.sum(axis=1) + 0.01) - W)
    b = rng.standard_normal(300)
    for partition in ("forests", "greedy-forest"):
        found = block_coordinate_descent(Quadratic(A, b), partition=partition, rtol=1e-9)
        assert found.n_iter == 1
        assert_allclose(found.x, sparse.linalg.spsolve(A, b), rtol=1e-9)


def test_given_blocks(rng):
    problem = make("least-squares", {"l1": 1.0})
    blocks = [np.array([3, 1]), [0], np.r_[2, 4:12]]
    found = block_coordinate_descent(problem, partition=blocks, selection="cyclic", rtol=1e-9)
    assert found.partition == "given"
    assert_array_equal(found.trace["block_size"][1:5], [2, 1, 9, 2])
    assert_allclose(found.x, block_coordinate_descent(problem, rtol=1e-9).x, atol=1e-6)


# ------------------------------------------------------------------------------------ properties


@st.composite
def designs(draw):
    n_samples, n_features = draw(st.integers(1, 12)), draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    A = rng.standard_normal((n_samples, n_features)) * rng.choice([0.0, 0.1, 1, 10], n_features)
    if n_features > 2 and draw(st.booleans()):
        A[:, -1] = A[:, 0]
    A[rng.random(A.shape) < draw(st.sampled_from([0.0, 0.5]))] = 0
    return A, rng.standard_normal(n_samples)


@given(
    design=designs(),
    terms=st.sampled_from(list(TERMS)),
    selection=st.sampled_from(BLIND + PROXIMAL),
    update=st.sampled_from(UPDATES),
    partition=st.sampled_from(PARTITIONS),
    block_size=st.integers(1, 8),
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_monotone_on_any_design(design, terms, selection, update, partition, block_size):
    """Columns of zeros, duplicates and n < p included."""
    A, b = design
    for problem in (
        LeastSquares(A, b, **TERMS[terms]),
        Logistic(np.vstack([A, -A]), np.repeat([0, 1], len(b)), l2=0.01, **TERMS[terms]),
    ):
        result = block_coordinate_descent(
            problem,
            selection=selection,
            update=update,
            partition=partition,
            block_size=block_size,
            tol=1e-6,
            max_iter=1000,
        )
        assert result.converged == (result.violation <= result.tolerance)
        values = result.trace["objective"]
        assert (np.diff(values) <= 1e-12 * abs(values).max()).all()
        assert_allclose(violation(problem, result.x), result.violation, rtol=1e-6, atol=1e-9)


@given(seed=st.integers(0, 1000), selection=st.sampled_from(["gs", "gsl", "gsd", "gsq", "gsl-q"]))
@settings(max_examples=20)
def test_permutation(seed, selection):
    """Greedy rules do not care for the order of the coordinates."""
    problem = make("least-squares", seed=seed)
    order = np.random.default_rng(seed).permutation(12)
    turned = LeastSquares(problem.A[:, order], problem.b)
    rule = {"selection": selection, "update": "matrix", "block_size": 4, "rtol": 1e-6}
    first, second = (block_coordinate_descent(p, **rule) for p in (problem, turned))
    assert first.n_iter == second.n_iter
    assert_allclose(first.x[order], second.x, atol=1e-9)


@given(seed=st.integers(0, 1000), selection=st.sampled_from(["gsd", "gsq", "gsl-q"]))
@settings(max_examples=20)
def test_scaling(seed, selection):
    """Rules that know the curvature do not care for the units of the coordinates."""
    problem = make("least-squares", seed=seed)
    scale = 2.0 ** np.random.default_rng(seed).integers(-3, 4, 12)
    scaled = LeastSquares(problem.A * scale, problem.b)
    rule = {"selection": selection, "update": "matrix", "block_size": 4, "rtol": 0, "max_iter": 12}
    with pytest.warns(ConvergenceWarning):
        first, second = (block_coordinate_descent(p, **rule) for p in (problem, scaled))
    assert_allclose(first.x, second.x * scale, atol=1e-9)
    assert_allclose(first.trace["objective"], second.trace["objective"], rtol=1e-9)


# ---------------------------------------------------------------------------------- edges, layouts


@pytest.mark.parametrize("kind", KINDS)
def test_layouts_and_types(kind):
    problem = make(kind, {"l1": 0.5})
    expected = block_coordinate_descent(problem, rtol=1e-9).x
    A = block_problems.dense(problem.A)
    wide = np.zeros((2 * A.shape[0], 2 * A.shape[1]))
    wide[::2, ::2] = A
    read_only = np.asfortranarray(A)
    read_only.flags.writeable = False
    layouts = [A, read_only, wide[::2, ::2], A.tolist(), sparse.csr_array(A), sparse.coo_array(A),
               sparse.csc_matrix(A), sparse.csc_array(A).astype(np.float64)]  # fmt: skip
    for layout in layouts:
        same = type(problem)(layout, problem.b, **_terms(problem))
        assert_allclose(block_coordinate_descent(same, rtol=1e-9).x, expected, atol=1e-6)
    single = type(problem)(A.astype(np.float32), problem.b, **_terms(problem))
    assert_allclose(block_coordinate_descent(single, rtol=1e-7).x, expected, atol=1e-4)


def _terms(problem):
    names = ("l1", "l2", "lower", "upper")
    return {name: getattr(problem, name) for name in names if hasattr(problem, name)}


def test_one_coordinate_and_one_sample():
    assert_allclose(block_coordinate_descent(LeastSquares([[2.0]], [4.0])).x, [2.0])
    assert_allclose(block_coordinate_descent(LeastSquares([[2.0]], [4.0], l1=4.0)).x, [1.0])
    assert_allclose(block_coordinate_descent(Quadratic([[2.0]], [4.0])).x, [2.0])
    found = block_coordinate_descent(LeastSquares([[1.0, 2.0, 2.0]], [9.0]))
    assert_allclose(found.x @ [1.0, 2.0, 2.0], 9.0, rtol=1e-6)


@pytest.mark.parametrize("update", UPDATES)
def test_zero_columns_stay(update):
    A = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 1.0]])
    found = block_coordinate_descent(LeastSquares(A, [1.0, 1.0]), update=update, rtol=1e-8)
    assert found.converged
    assert found.x[1] == 0
    null = block_coordinate_descent(LeastSquares(np.zeros((2, 3)), [1.0, 1.0]), update=update)
    assert null.converged
    assert_array_equal(null.x, np.zeros(3))


@pytest.mark.parametrize("update", UPDATES)
def test_singular_field(update):
    """A Laplacian without anchors has a solution where b sums to zero."""
    A = sparse.diags_array([-1.0, 2.0, -1.0], offsets=(-1, 0, 1), shape=(8, 8)).tolil()
    A[0, 0] = A[7, 7] = 1
    b = np.array([1.0, 0, 0, 0, 0, 0, 0, -1])
    for partition in ("variable", "greedy-forest", "forests", "red-black"):
        found = block_coordinate_descent(
            Quadratic(A, b), update=update, partition=partition, block_size=3, rtol=1e-6
        )
        assert found.converged, partition
        assert np.abs(A @ found.x - b).max() < 1e-5


def test_start_and_restart():
    problem = make("logistic", {"l1": 0.5})
    first = block_coordinate_descent(problem, rtol=1e-9)
    again = block_coordinate_descent(problem, first.x, rtol=1e-8)
    assert again.n_iter == 0
    assert_array_equal(again.x, first.x)
    far = block_coordinate_descent(problem, np.full(12, 3.0), rtol=1e-9)
    assert_allclose(far.x, first.x, atol=1e-6)
    bounded = make("least-squares", {"lower": -0.3, "upper": 0.2})
    outside = block_coordinate_descent(bounded, np.full(12, 9.0), rtol=1e-9)
    assert_allclose(outside.x, block_coordinate_descent(bounded, rtol=1e-9).x, atol=1e-7)


def test_inputs_stay_as_they_are():
    problem = make("least-squares", {"l1": 0.5})
    x0 = np.ones(12)
    before = problem.A.copy(), problem.b.copy()
    block_coordinate_descent(problem, x0)
    assert_array_equal(problem.A, before[0])
    assert_array_equal(problem.b, before[1])
    assert_array_equal(x0, np.ones(12))


def test_random_rules_repeat_and_threads_do_not_matter(rng):
    problem = LeastSquares(rng.standard_normal((200, 300)), rng.standard_normal(200), l1=5.0)
    for selection in ("random", "cyclic", "lipschitz", "gsl-q"):
        rule = {"selection": selection, "max_iter": 30, "rtol": 0, "block_size": 20}
        with pytest.warns(ConvergenceWarning):
            first, same, other = (
                block_coordinate_descent(problem, **rule, random_state=seed, n_threads=threads)
                for seed, threads in ((1, 1), (1, 2), (2, 1))
            )
        assert_array_equal(first.x, same.x)
        assert (selection == "gsl-q") == np.array_equal(first.x, other.x)


# ------------------------------------------------------------------------------ names of rules


def test_lipschitz_sampling_is_proportional(rng):
    """Of two columns with squared norms 1 and 9 the second is drawn nine times as often."""
    A = np.diag([1.0, 3.0, 0.0])
    drawn = []
    problem = LeastSquares(A, [1e-3, 1e-3, 0.0])
    for seed in range(200):
        with pytest.warns(ConvergenceWarning):
            found = block_coordinate_descent(
                problem,
                selection="lipschitz",
                partition="variable",
                update="gradient",
                block_size=1,
                max_iter=1,
                random_state=seed,
            )
        drawn.append(int(np.flatnonzero(found.x)[0]))
    assert set(drawn) == {0, 1}
    assert 0.05 < np.mean(np.equal(drawn, 0)) < 0.16


def first_block(problem, **rule):
    with pytest.warns(ConvergenceWarning):
        x = block_coordinate_descent(problem, max_iter=1, rtol=0, update="gradient", **rule).x
    return set(np.flatnonzero(x))


def test_greedy_rules_take_what_they_say(rng):
    A = rng.standard_normal((30, 12)) * 2.0 ** rng.integers(-2, 3, 12)
    b = rng.standard_normal(30)
    problem = LeastSquares(A, b)
    H, g = A.T @ A, -A.T @ b
    scores = {
        "gs": abs(g),
        "gsl": abs(g) / np.sqrt((abs(A).T @ abs(A)).sum(axis=1)),
        "gsd": abs(g) / np.sqrt(np.diag(H)),
        "gs-s": abs(g),
        "gs-r": abs(g),
        "gs-q": abs(g),
        "gsl-r": abs(g) / np.sqrt(np.diag(H)),
        "gsl-q": abs(g) / np.sqrt(np.diag(H)),
    }
    for selection, score in scores.items():
        best = set(np.argsort(-score)[:3])
        assert first_block(problem, selection=selection, block_size=3, partition="variable") == best
    blocks = [[0, 1, 2], [3, 4, 5, 6], [7, 8], [9, 10, 11]]
    lipschitz = [np.linalg.eigvalsh(H[np.ix_(c, c)]).max() for c in blocks]
    per_block = {
        "gs": [g[c] @ g[c] for c in blocks],
        "gsl": [g[c] @ g[c] / L for c, L in zip(blocks, lipschitz, strict=True)],
        "gsd": [np.sum(g[c] ** 2 / np.diag(H)[c]) for c in blocks],
        "gsq": [g[c] @ np.linalg.solve(H[np.ix_(c, c)], g[c]) for c in blocks],
    }
    for selection, score in per_block.items():
        best = set(blocks[int(np.argmax(score))])
        assert first_block(problem, selection=selection, partition=blocks) == best


def test_gradient_update_has_the_step_of_the_block(rng):
    A, b = rng.standard_normal((20, 6)), rng.standard_normal(20)
    with pytest.warns(ConvergenceWarning):
        found = block_coordinate_descent(
            LeastSquares(A, b),
            partition=[[0, 2, 4], [1, 3, 5]],
            selection="cyclic",
            update="gradient",
            max_iter=1,
        )
    part = A[:, [0, 2, 4]]
    expected = part.T @ b / np.linalg.norm(part, 2) ** 2
    assert_allclose(found.x[[0, 2, 4]], expected, rtol=1e-9)


# ------------------------------------------------------------------------------ status and control


def test_trace_and_rows():
    problem = make("least-squares")
    rows = []
    result = block_coordinate_descent(problem, block_size=3, callback=rows.append)
    trace = result.trace
    assert list(trace) == ["iteration", "seconds", "objective", "violation", "block_size"]
    assert_array_equal(trace["iteration"], np.arange(result.n_iter + 1))
    assert (np.diff(trace["seconds"]) >= 0).all()
    assert trace["block_size"][0] == 0
    assert (trace["block_size"][1:] == 3).all()
    assert rows[-1]["iteration"] == result.n_iter
    assert_allclose(trace["objective"][-1], result.objective, rtol=1e-10)


def test_long_traces_get_sparser(rng):
    problem = LeastSquares(rng.standard_normal((20, 40)) + 5, rng.standard_normal(20), l1=0.1)
    with pytest.warns(ConvergenceWarning, match="iteration limit"):
        result = block_coordinate_descent(
            problem, block_size=1, update="gradient", selection="random", rtol=0, max_iter=20_000
        )
    rows = result.trace["iteration"]
    assert 3000 < len(rows) < 5000
    assert rows[-1] == result.n_iter
    assert_array_equal(rows[:1000], np.arange(1000))


def test_not_converged_warns_and_says_how_far():
    problem = make("logistic")
    with pytest.warns(ConvergenceWarning, match=r"MAX_ITER.*violation is .* after 2 iterations"):
        result = block_coordinate_descent(problem, max_iter=2, block_size=2)
    assert result.status == Status.MAX_ITER
    assert result.n_iter == 2
    with pytest.warns(ConvergenceWarning):
        assert block_coordinate_descent(problem, max_iter=0).n_iter == 0


def test_callback_and_time_limit_end_the_solve(rng):
    A = rng.standard_normal((200, 400))
    problem = LeastSquares(A, rng.standard_normal(200), l1=0.001)
    slow = {"block_size": 1, "update": "gradient", "rtol": 0, "max_iter": 10**9}
    with pytest.warns(ConvergenceWarning, match="callback"):
        result = block_coordinate_descent(problem, callback=lambda row: True, **slow)
    assert result.status == Status.STOPPED
    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = block_coordinate_descent(problem, time_limit=0.1, **slow)
    assert result.status == Status.TIME_LIMIT
    assert result.seconds < 3


def test_exception_of_a_callback_passes():
    def fail(row):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        block_coordinate_descent(make("quadratic"), callback=fail)


def test_interrupt(rng):
    problem = LeastSquares(rng.standard_normal((50, 80)) + 9, rng.standard_normal(50), l1=1e-6)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    started = time.perf_counter()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        block_coordinate_descent(
            problem, block_size=1, update="gradient", selection="random", rtol=0, max_iter=10**9
        )
    timer.join()
    assert time.perf_counter() - started < 3


def test_stalled_says_so(rng):
    problem = LeastSquares(rng.standard_normal((50, 10)), 1e3 * rng.standard_normal(50))
    with pytest.warns(ConvergenceWarning):
        result = block_coordinate_descent(problem, rtol=0, max_iter=10**6)
    assert result.status == Status.STALLED
    assert result.violation < 1e-8


def test_verbose_prints_rows(capsys):
    result = block_coordinate_descent(make("least-squares"), verbose=1, block_size=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["iteration", "seconds", "objective", "violation", "block_size"]
    assert int(lines[-1].split()[0]) == result.n_iter


# --------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"partition": "blocks"}, ValueError, "partition must be one of"),
        ({"partition": 3}, TypeError, "partition must be a name or a list"),
        ({"partition": [[0.5]]}, TypeError, "partition must hold one-dimensional arrays"),
        ({"partition": [[0, 1], [1]]}, ValueError, "comes twice"),
        ({"partition": [[0, 1]]}, ValueError, "coordinate 2 is missing"),
        ({"partition": [[0, 99]]}, ValueError, "99 is beyond"),
        ({"partition": [[]]}, TypeError, "partition"),
        ({"partition": "red-black"}, ValueError, "Quadratic"),
        ({"selection": "best"}, ValueError, "selection must be one of"),
        ({"update": None}, ValueError, "update must be one of"),
        ({"block_size": 0}, ValueError, "block_size must be an integer >= 1"),
        ({"block_size": 2.0}, TypeError, "block_size must be an integer"),
        ({"rtol": -1}, ValueError, "rtol"),
        ({"tol": np.inf}, ValueError, "tol must be finite"),
        ({"max_iter": -1}, ValueError, "max_iter"),
        ({"x0": np.zeros(3)}, ValueError, r"x0 must have shape \(12,\)"),
        ({"x0": np.full(12, np.nan)}, ValueError, "x0 contains NaN"),
        ({"x0": ["a"] * 12}, TypeError, "x0 must hold real numbers"),
        ({"n_threads": 0}, ValueError, "n_threads"),
        ({"random_state": "seed"}, ValueError, "seed"),
        ({"callback": 3}, TypeError, "callback"),
        ({"time_limit": -1}, ValueError, "time_limit"),
        ({"verbose": -1}, ValueError, "verbose"),
        ({"progress": 1}, TypeError, "progress"),
    ],
)
def test_argument_that_is_wrong(arguments, error, message):
    with pytest.raises(error, match=message):
        block_coordinate_descent(make("least-squares"), **arguments)


@pytest.mark.parametrize(
    ("terms", "error", "message"),
    [
        ({"l1": -1}, ValueError, "l1 must be non-negative"),
        ({"l1": [1.0, 2.0]}, ValueError, r"l1 must be a number or have shape \(12,\)"),
        ({"l1": np.nan}, ValueError, "l1 contains NaN"),
        ({"l1": "much"}, TypeError, "l1 must hold real numbers"),
        ({"l2": -1}, ValueError, "l2"),
        ({"lower": 1, "upper": 0}, ValueError, "lower must not be above upper"),
        ({"lower": np.inf}, ValueError, "lower must be below inf"),
        ({"upper": -np.inf}, ValueError, "upper above -inf|lower must be below"),
    ],
)
def test_term_that_is_wrong(terms, error, message):
    with pytest.raises(error, match=message):
        block_coordinate_descent(make("least-squares", terms))


def test_problem_that_is_wrong(rng):
    A, b = rng.standard_normal((6, 4)), rng.standard_normal(6)
    bad = A.copy()
    bad[2, 1] = np.nan
    for layout in (np.asarray, sparse.csc_array):
        with pytest.raises(ValueError, match="A contains NaN"):
            block_coordinate_descent(LeastSquares(layout(bad), b))
    with pytest.raises(ValueError, match=r"b must have shape \(6,\)"):
        block_coordinate_descent(LeastSquares(A, b[:5]))
    with pytest.raises(ValueError, match="b contains NaN"):
        block_coordinate_descent(LeastSquares(A, [np.nan] * 6))
    with pytest.raises(ValueError, match="Only binary classification"):
        block_coordinate_descent(Logistic(A, [0, 1, 2] * 2))
    with pytest.raises(ValueError, match="one class only"):
        block_coordinate_descent(Softmax(A, np.zeros(6)))
    with pytest.raises(ValueError, match="A must be square"):
        block_coordinate_descent(Quadratic(A, b))
    with pytest.raises(ValueError, match="A must be symmetric"):
        block_coordinate_descent(Quadratic(np.triu(np.ones((4, 4))), b[:4]))
    with pytest.raises(ValueError, match="its diagonal holds -1 at index 1"):
        block_coordinate_descent(Quadratic(np.diag([1.0, -1.0]), [0.0, 0.0]))
    with pytest.raises(TypeError, match="problem must be a LeastSquares"):
        block_coordinate_descent((A, b))
    with pytest.raises(ValueError, match="does not see an L1 penalty"):
        block_coordinate_descent(LeastSquares(A, b, l1=1.0), selection="gs")
    with pytest.raises(ValueError, match="greedy forests grow"):
        block_coordinate_descent(
            Quadratic(np.eye(3), np.ones(3)), selection="cyclic", partition="greedy-forest"
        )
