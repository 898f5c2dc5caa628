"""The generators, the judges and the walk down the ladder, on small data (seconds; no timing)."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from scipy import sparse

from bench import cell, constrained, graphs, linear, networks, objective, peers, problems, transport
from bench.base import Ladder, Verdict


def test_autoregressive_covariance() -> None:
    X = linear.autoregressive(20_000, 5, 0.6, np.random.default_rng(0))
    places = np.arange(5)
    expected = 0.6 ** np.abs(places[:, None] - places)
    assert X.flags.f_contiguous
    np.testing.assert_allclose(np.cov(X.T), expected, atol=0.04)


def test_random_sparse_layout() -> None:
    X = linear.random_sparse(300, 200, 0.05, np.random.default_rng(0))
    assert X.indices.dtype == X.indptr.dtype == np.int32
    assert X.has_canonical_format
    assert X.nnz / 60_000 == pytest.approx(0.05, rel=0.05)  # places drawn twice count once
    assert X.data.std() == pytest.approx(1.0, rel=0.1)


def test_linear_model_noise_and_repeatability() -> None:
    first, second = linear.dense_wide(100, 400), linear.dense_wide(100, 400)
    np.testing.assert_array_equal(first.target, second.target)
    np.testing.assert_array_equal(first.labels, np.sign(first.target))
    assert set(first.labels) == {-1.0, 1.0}


def test_diabetes_interactions_are_collinear() -> None:
    X = linear.diabetes_interactions().X
    assert X.shape == (442, 285)
    assert np.linalg.matrix_rank(X) < 285
    np.testing.assert_allclose(X.std(axis=0), 1.0)


def test_absent_data_say_why(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CYCLOID_DATA", str(tmp_path))
    with pytest.raises(problems.Unavailable, match="CYCLOID_DATA"):
        linear.leukemia()


def small(loss: str, l1_ratio: float, is_sparse: bool = False) -> linear.Problem:
    X = sparse.csc_matrix((1, 1)) if is_sparse else np.empty((1, 1))
    kind = linear.Problem("kind", X, np.empty(1), loss, np.ones(1), l1_ratio)
    return kind.small()


KINDS = [
    ("squared", 1.0),
    ("squared", 0.5),
    ("logistic", 1.0),
    ("logistic", 0.5),
    ("logistic", 0.0),
]


@pytest.mark.parametrize(("loss", "l1_ratio"), KINDS)
def test_dual_is_a_lower_bound(loss: str, l1_ratio: float) -> None:
    """Weak duality between arbitrary points: each dual is below each primal."""
    problem = small(loss, l1_ratio)
    rng = np.random.default_rng(0)
    found = [
        objective.certify(problem, problem.alpha, scale * rng.standard_normal(40))
        for scale in (0.0, 0.01, 0.1, 1.0, 10.0)
    ]
    assert max(c.dual for c in found) <= min(c.primal for c in found)


@pytest.mark.parametrize(("loss", "l1_ratio"), [(k, r) for k, r in KINDS if r < 1.0])
@pytest.mark.parametrize("has_intercept", [False, True])
def test_gap_vanishes_at_the_optimum(loss: str, l1_ratio: float, has_intercept: bool) -> None:
    """Against a general-purpose optimizer, with the coefficients split into two signs."""
    from scipy.optimize import minimize

    problem = small(loss, l1_ratio)
    p = problem.X.shape[1]

    def split(x):
        return x[:p] - x[p : 2 * p], float(x[-1]) if has_intercept else None

    def value(x):
        b, intercept = split(x)
        z = problem.X @ b + (intercept or 0.0)
        if loss == "squared":
            slope, fit = z - problem.y, 0.5 * np.mean((z - problem.y) ** 2)
        else:
            slope = -problem.y / (1.0 + np.exp(problem.y * z))
            fit = np.mean(np.logaddexp(0.0, -problem.y * z))
        ridge = problem.alpha * (1.0 - l1_ratio)
        gradient = problem.X.T @ slope / len(z) + ridge * b
        lasso = problem.alpha * l1_ratio
        total = fit + 0.5 * ridge * b @ b + lasso * x[: 2 * p].sum()
        return total, np.r_[gradient + lasso, -gradient + lasso, np.mean(slope)]

    bounds = [(0.0, None)] * (2 * p) + [(None, None) if has_intercept else (0.0, 0.0)]
    found = minimize(
        value,
        np.zeros(2 * p + 1),
        jac=True,
        bounds=bounds,
        method="L-BFGS-B",
        options={"maxiter": 5_000, "ftol": 1e-16, "gtol": 1e-10},
    )
    certificate = objective.certify(problem, problem.alpha, *split(found.x))
    assert -1e-14 <= certificate.gap <= 1e-8


def test_null_model_has_accuracy_one_or_less() -> None:
    problem = small("squared", 1.0)
    certificate = objective.certify(problem, problem.alpha, np.zeros(40))
    assert certificate.primal == certificate.null
    assert certificate.accuracy(best_dual=certificate.null) == 0.0


def test_path_takes_columns_dense_or_sparse() -> None:
    problem = dataclasses.replace(small("squared", 1.0), alphas=np.array([0.2, 0.1]))
    coefs = np.zeros((40, 2))
    coefs[3] = [0.1, 0.2]
    dense = objective.certify_path(problem, coefs)
    assert dense == objective.certify_path(problem, sparse.csc_matrix(coefs))
    assert dense[1] == objective.certify(problem, 0.1, coefs[:, 1])
    with pytest.raises(ValueError, match="shape"):
        objective.certify_path(problem, coefs.T)


def test_ladder_goes_down_in_half_decades() -> None:
    steps = [tol for tol, _ in Ladder()]
    assert steps[0] == 1.0
    assert steps[-1] == pytest.approx(1e-14)
    np.testing.assert_allclose(np.divide(steps[1:], steps[:-1]), 10.0**-0.5)


@pytest.mark.parametrize(
    "solver", [peer.name for adapter in peers.LINEAR for peer in adapter.PEERS]
)
@pytest.mark.parametrize(("loss", "l1_ratio"), KINDS)
@pytest.mark.parametrize("is_sparse", [False, True])
def test_every_peer_solves_the_stated_problem(solver, loss, l1_ratio, is_sparse) -> None:
    peer = peers.all_peers()[solver]
    problem = small(loss, l1_ratio, is_sparse)
    if not peer.supports(problem):
        pytest.skip("another problem")
    if peer.reason():
        pytest.skip(peer.reason())
    data = peer.prepare(problem, 1)
    found = peer.solve(data, 1e-7)
    peer.close(data)
    certificates = objective.certify_path(problem, found.coef, found.intercept)
    assert certificates[0].gap <= 1e-4


# ------------------------------------------------------------------------------------ transport


def two_by_two(total: float = 1.0) -> transport.Problem:
    a, b = total * np.array([0.5, 0.5]), total * np.array([0.25, 0.75])
    return transport.Problem("hand", a, b, 2.0, np.array([[0.0, 1.0], [1.0, 0.0]]))


@pytest.mark.parametrize("total", [1.0, 8.0])
@pytest.mark.parametrize(
    ("plan", "error"),
    [
        ([[0.25, 0.25], [0.0, 0.5]], 0.0),
        ([[0.5, 0.0], [0.0, 0.5]], 0.5),  # right rows; columns 0.5, 0.5 for 0.25, 0.75
        ([[0.25, 0.0], [0.0, 0.75]], 0.5),  # right columns, wrong rows
        ([[0.0, 0.0], [0.0, 0.0]], 2.0),  # what is left after an underflow
        ([[0.25, 0.5], [0.0, 0.5]], 0.5),  # a quarter too much, in a row and in a column
    ],
)
def test_violation_by_hand(total: float, plan, error: float) -> None:
    verdict = two_by_two(total).judge()(transport.Solution(total * np.array(plan)))
    assert verdict.accuracy == error
    assert verdict.support == np.count_nonzero(plan)


def test_violation_from_potentials() -> None:
    problem = dataclasses.replace(two_by_two(), M=np.zeros((2, 2)))
    f, g = problem.reg * np.log(problem.a), problem.reg * np.log(problem.b)
    judge = problem.judge()
    assert judge(transport.Solution(f=f, g=g)).accuracy < 1e-15
    more = judge(transport.Solution(f=f + problem.reg * np.log(1.1), g=g))
    assert more.accuracy == pytest.approx(0.2)  # a tenth too much in both marginals


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_a_number_reaches_no_target(bad: float) -> None:
    judge = two_by_two().judge()
    plan = np.array([[0.25, 0.25], [bad, 0.5]])
    for solution in (
        transport.Solution(plan),
        transport.Solution(f=np.zeros(2), g=np.array([bad, 0.0])),
    ):
        verdict = judge(solution)
        assert np.isnan(verdict.accuracy)
        assert not verdict.accuracy <= 1e-6
    with pytest.raises(ValueError, match="shape"):
        judge(transport.Solution(plan[:1]))


def test_single_precision_is_judged_as_it_is() -> None:
    plan = np.full((3, 3), 1 / 9)
    problem = transport.Problem("thirds", np.full(3, 1 / 3), np.full(3, 1 / 3), 1.0, plan)
    rounded = problem.judge()(transport.Solution(plan.astype(np.float32)))
    assert 1e-9 < rounded.accuracy < 1e-7
    assert problem.judge()(transport.Solution(plan)).accuracy < 1e-15


def test_blocks_and_points_do_not_change_the_verdict(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    X, Y = transport.clouds(30, 20)
    a, b = transport.uniform(30), transport.uniform(20)
    M = transport.squared_distances(X, Y)
    np.testing.assert_allclose(M[3, 5], np.sum((X[3] - Y[5]) ** 2))
    potentials = transport.Solution(f=rng.normal(size=30), g=rng.normal(size=20))
    whole = transport.Problem("matrix", a, b, 0.7, M).judge()(potentials)
    monkeypatch.setattr(transport, "BLOCK", 70)
    for problem in (
        transport.Problem("matrix", a, b, 0.7, M),
        transport.Points("points", a, b, 0.7, X, Y),
    ):
        verdict = problem.judge()(potentials)
        assert verdict.accuracy == pytest.approx(whole.accuracy, rel=1e-12)
        assert verdict.support == whole.support


def reference_plan(problem: transport.Problem) -> np.ndarray:
    """Sinkhorn's scaling, for as long as it takes on a small problem."""
    K = np.exp(-problem.M / problem.reg)
    v = np.ones(len(problem.b))
    for _ in range(5_000):
        u = problem.a / (K @ v)
        v = problem.b / (u @ K)
    return u[:, None] * K * v


@pytest.mark.filterwarnings("ignore")  # what a peer's dependencies deprecate is not our matter
@pytest.mark.parametrize("solver", [p.name for adapter in peers.TRANSPORT for p in adapter.PEERS])
def test_every_peer_transports_at_the_stated_reg(solver: str) -> None:
    """The judge sees marginals alone: they would be as right at another reg."""
    peer = peers.all_peers()[solver]
    if peer.reason():
        pytest.skip(peer.reason())
    problem = transport.PROBLEMS["ot-w1-500"].build().small()
    data = peer.prepare(problem, 1)
    found = peer.solve(data, 1e-6)
    peer.close(data)
    plan = found.plan
    if plan is None:
        plan = np.exp((np.add.outer(found.f, found.g) - problem.M) / problem.reg)
    assert problem.judge()(found).accuracy < (1e-2 if solver == "geomloss" else 1e-4)
    distance = np.abs(plan - reference_plan(problem)).sum()
    assert distance > 0.1 if peer.is_limit else distance < 1e-2


def test_clouds_of_all_sizes_have_the_same_centres() -> None:
    (X, Y), (again, _) = transport.clouds(4_000, 2_000), transport.clouds(4_000, 3_000)
    np.testing.assert_array_equal(X, again)
    small, _ = transport.clouds(1_000, 1_000)
    np.testing.assert_allclose(X.mean(axis=0), small.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(X.std(axis=0), small.std(axis=0), atol=0.02)
    assert (X.shape, Y.shape) == ((4_000, 2), (2_000, 2))


def test_stated_scales() -> None:
    problem = transport.gaussian_mixtures("rectangle", 60, 40, 1e-2)
    assert problem.M.shape == (60, 40)
    assert problem.reg == pytest.approx(1e-2 * np.median(problem.M))
    for name in ("ot-w1-500", "ot-w2-500"):
        line = transport.PROBLEMS[name].build()
        assert (line.M.max(), line.reg) == (1.0, 1.0 / 1_200.0)
        assert line.a.sum() == pytest.approx(1.0)
        assert min(line.a.min(), line.b.min()) > 0.0


def test_absent_transport_data_and_functions_say_why(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CYCLOID_DATA", str(tmp_path))
    with pytest.raises(problems.Unavailable, match="CYCLOID_DATA"):
        problems.load("ot-mnist-l2")
    ot = pytest.importorskip("cycloid.ot")
    monkeypatch.delattr(ot, "solve_points", raising=False)
    with pytest.raises(problems.Unavailable, match="solve_points"):
        problems.load("ot-points-50000-1e-2")


# ------------------------------------------------------------------------------- the measurement


def walk(monkeypatch, seconds: float, ladder: Ladder, accuracy) -> tuple[list[float], dict]:
    """The tolerances that a solver with the given accuracies is asked for, and what it reached."""
    monkeypatch.setattr(cell, "timed", lambda peer, data, tol, number=1: (tol, seconds, seconds))
    tried, reached = [], {}
    found = cell.measure(
        None, None, ladder, lambda tol: Verdict(accuracy(tol), 1), (1e-6, 1e-9), repeats=1
    )
    for target, run in found:
        if target is None:
            tried.append(run.tol)
        else:
            reached[target] = run.tol
    return tried, reached


def test_slow_solvers_are_not_asked_for_hopeless_steps(monkeypatch) -> None:
    ladder = Ladder(1e-3, 1e-14, is_linear=True)
    quick, first = walk(monkeypatch, 0.1, ladder, lambda tol: 5 * tol)
    slow, second = walk(monkeypatch, 3.0, ladder, lambda tol: 5 * tol)
    assert len(quick) == 15  # all half decades down to 1e-10
    np.testing.assert_allclose(slow, [1e-3, 1e-6, 1e-7, 1e-9, 1e-10])
    assert first.keys() == second.keys() == {"1e-06", "1e-09"}
    every_decade, _ = walk(monkeypatch, 3.0, Ladder(1e-3, 1e-14), lambda tol: 5 * tol)
    np.testing.assert_allclose(every_decade, 10.0 ** -np.arange(3, 11))


def test_a_solver_without_an_answer_walks_to_the_end(monkeypatch) -> None:
    ladder = Ladder(1e-3, 1e-5, is_linear=True)
    tried, reached = walk(monkeypatch, 3.0, ladder, lambda tol: float("nan"))
    np.testing.assert_allclose(tried, [1e-3, 1e-4, 1e-5])
    assert reached == {}


@pytest.mark.parametrize(("seconds", "runs"), [(0.1, 5), (6.0, 3), (70.0, 1)])
def test_slow_runs_are_repeated_less(seconds: float, runs: int) -> None:
    assert cell.number_of_runs(seconds) == runs
    assert cell.number_of_runs(seconds, repeats=0) == 0


def test_judging_does_not_use_up_the_allowance(monkeypatch) -> None:
    limits = []
    monkeypatch.setattr(cell.resource, "setrlimit", lambda kind, pair: limits.append(pair[0]))
    allowance = cell.Allowance(10.0)
    until = allowance.until

    def judge(seconds: float) -> float:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return seconds

    assert allowance.exempt(judge)(0.05) == 0.05
    assert 0.05 <= allowance.until - until < 1.0
    assert limits[1] >= until + 3_600.0  # while it judges
    assert limits[2] <= until + 2.0  # the kernel takes whole seconds


# ------------------------------------------------------------------------------------- networks


@pytest.mark.parametrize("solver", [p.name for adapter in peers.NETWORKS for p in adapter.PEERS])
def test_every_peer_solves_the_program_of_a_network(solver: str) -> None:
    peer = peers.all_peers()[solver]
    if peer.reason():
        pytest.skip(peer.reason())
    problem = networks.PROBLEMS["relu-diabetes-100"].build().small()
    data = peer.prepare(problem, 1)
    found = peer.solve(data, 1e-6)
    peer.close(data)
    assert problem.judge()(found).accuracy < 1e-4


def test_the_judge_of_networks_sees_worse_values_and_violated_cones() -> None:
    problem = networks.PROBLEMS["relu-diabetes-100"].build().small()
    optimum = networks.reference(problem)
    nothing = networks.Solution(np.zeros((5, 10)))
    worse = networks.judge(problem, optimum, nothing)
    assert worse.accuracy == pytest.approx((problem.y @ problem.y) / 60 / optimum - 1)
    assert worse.support == 0
    outward = -np.repeat(problem.generators, 2, axis=1)
    assert networks.judge(problem, optimum, networks.Solution(outward)).accuracy > 0.01


# ---------------------------------------------------------------------------------- constrained

OF_EACH_KIND = ("sum-10000-50", "sum-ridge-200000-500", "control-10", "control-cubic-32")


def small_constrained(name: str) -> constrained.Problem:
    """Without the large problem of which it is a small one."""
    kinds = {
        "sum-10000-50": constrained.FiniteSum("", np.ones((1, 8)), None, np.ones((2, 8)),
                                              np.ones(2), 1.0),
        "sum-ridge-200000-500": constrained.FiniteSum("", np.ones((1, 8)), None, np.ones((0, 8)),
                                                      np.ones(0), None, 1e-2),
        "control-10": constrained.Control("", 4),
        "control-cubic-32": constrained.Control("", 4, 1.0),
    }  # fmt: skip
    return kinds[name].small()


@pytest.mark.parametrize("name", OF_EACH_KIND)
@pytest.mark.parametrize("solver", [p.name for a in peers.CONSTRAINED for p in a.PEERS])
def test_every_peer_satisfies_the_conditions_of_optimality(solver: str, name: str) -> None:
    peer = peers.all_peers()[solver]
    problem = small_constrained(name)
    if not peer.supports(problem):
        pytest.skip("not for it")
    if peer.reason():
        pytest.skip(peer.reason())
    data = peer.prepare(problem, 1)
    found = peer.solve(data, 1e-9)
    peer.close(data)
    assert problem.judge()(found).accuracy < 1e-5


@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_derivatives_of_constrained_problems(name: str) -> None:
    problem = small_constrained(name)
    rng = np.random.default_rng(0)
    x, v = rng.standard_normal((2, problem.n))
    y, h = rng.standard_normal(problem.m), 1e-6

    def along(function):
        return (function(x + h * v) - function(x - h * v)) / (2 * h)

    def close(exact, function):
        np.testing.assert_allclose(exact, along(function), rtol=1e-6, atol=1e-6)

    close(problem.gradient(x) @ v, problem.objective)
    close(problem.objective_hessian(x) @ v, problem.gradient)
    if problem.m:
        close(problem.jacobian(x) @ v, problem.constraints)
        close(problem.constraint_hessian(x, y) @ v, lambda p: problem.jacobian(p).T @ y)


def test_the_judge_of_constrained_problems_sees_both_parts() -> None:
    """At a point next to the solution, and at a feasible one that is not stationary."""
    problem = small_constrained("control-10")
    w = np.ones(problem.m)
    feasible = constrained.Solution(np.concatenate([w, -problem.laplacian @ w]))
    assert np.linalg.norm(problem.constraints(feasible.x)) < 1e-12
    assert problem.judge()(feasible).accuracy > 0.1
    moved = constrained.Solution(np.zeros(problem.n))
    assert problem.judge()(moved).accuracy > 0.1


def test_multipliers_of_dependent_sparse_constraints() -> None:
    J = sparse.csc_array(np.array([[1.0, 0, 2], [2, 0, 4], [0, 1, 0]]))
    gradient = J.T @ np.array([1.0, 0, 3])
    y = constrained.least_squares_multipliers(J, gradient)
    np.testing.assert_allclose(gradient + J.T @ y, 0, atol=1e-8)


# --------------------------------------------------------------------------------------- graphs


@pytest.mark.parametrize("solver", [p.name for adapter in peers.GRAPHS for p in adapter.PEERS])
def test_every_peer_propagates_labels(solver: str) -> None:
    peer = peers.all_peers()[solver]
    if peer.reason():
        pytest.skip(peer.reason())
    problem = graphs.moons("moons", 200, 20)
    verdict = problem.judge()(peer.solve(peer.prepare(problem, 1), 1e-13))
    assert verdict.accuracy < 1e-8
    assert verdict.support == (problem.y < 0).sum() > 100


def test_the_judge_of_graphs_sees_a_wrong_value() -> None:
    problem = graphs.moons("moons", 200, 20)
    f = graphs.reference(problem).copy()
    assert problem.judge()(graphs.Solution(f)).accuracy == 0
    f[np.flatnonzero(problem.y < 0)[0], 1] += 0.25
    assert problem.judge()(graphs.Solution(f)).accuracy == pytest.approx(0.25)
    assert problem.judge()(graphs.Solution(f[1:])).accuracy == np.inf
