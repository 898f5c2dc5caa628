"""What must hold for any data: optimality, symmetries, certificates."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import reference
import sklearn.linear_model as sk
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from cycloid.linear_model import Status, enet_path, logistic_path

LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "csc": sparse.csc_array,
    "csr": sparse.csr_array,
}


@st.composite
def problems(draw, loss=None, l1_ratios=(1.0, 0.7, 0.2, 0.0), penalised=False):
    """A small problem, often with ties, zeros and dependent columns, at a fraction of alpha_max."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    n, p = draw(st.integers(2, 25), label="n"), draw(st.integers(1, 12), label="p")
    loss = loss or draw(st.sampled_from(["squared", "logistic"]), label="loss")
    X = rng.standard_normal((n, p))
    match draw(st.sampled_from(["plain", "integers", "holes", "twins", "offset"]), label="X"):
        case "integers":
            X = X.round()
        case "holes":
            X[rng.random((n, p)) < 0.6] = 0
        case "twins":
            X[:, p // 2 :] = X[:, : p - p // 2]
        case "offset":
            X = X * rng.uniform(0.1, 10, p) + rng.uniform(-5, 5, p)
    y = X[:, 0] - X[:, -1] + rng.standard_normal(n)
    if loss == "logistic":
        y = np.where(y > np.median(y), 1.0, -1.0)
    weight = draw(st.sampled_from([None, "uniform", "zeros", "integers"]), label="sample_weight")
    w = {None: None, "uniform": rng.uniform(0.1, 2, n), "integers": rng.integers(1, 4, n),
         "zeros": rng.uniform(0.1, 2, n) * (rng.random(n) < 0.7)}[weight]  # fmt: skip
    factors = draw(st.sampled_from([None, "uniform"] + ["zeros"] * (not penalised)), label="v")
    v = {None: None, "uniform": rng.uniform(0.2, 3, p), "zeros": np.arange(p) % 3 * 1.0}[factors]
    problem = reference.Problem(
        X=X,
        y=y,
        loss=loss,
        l1_ratio=draw(st.sampled_from(l1_ratios), label="l1_ratio"),
        sample_weight=w,
        penalty_weights=v,
        positive=draw(st.booleans(), label="positive"),
        fit_intercept=draw(st.booleans(), label="fit_intercept"),
    )
    used = np.ones(n, dtype=bool) if w is None else w > 0
    assume(used.sum() >= 2)
    if loss == "logistic":
        assume(len(np.unique(y[used])) == 2)
    if penalised or v is None or (v > 0).all():
        top = replace(problem, l1_ratio=1.0).alpha_max()
    else:
        top = 1.0
    assume(top > 1e-6)
    fraction = draw(st.sampled_from([1.5, 0.5, 0.1, 0.02]), label="fraction")
    return problem.at(fraction * top)


def solve(problem, X=None, rtol=1e-12, **changes):
    """The solution of a problem by the package, as a Result."""
    function = enet_path if problem.loss == "squared" else logistic_path
    arguments = {
        "sample_weight": problem.sample_weight,
        "penalty_weights": problem.penalty_weights,
        "l1_ratio": problem.l1_ratio,
        "positive": problem.positive,
        "fit_intercept": problem.fit_intercept,
        "alphas": [problem.alpha],
        **changes,
    }
    X = problem.X if X is None else X
    with warnings.catch_warnings():
        # Unpenalised columns of a separable problem have no minimiser: asserted on by status.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return function(X, problem.y, rtol=rtol, **arguments).at(0)


def assert_same_minimum(problem, *results):
    """Equal objectives at points computed in different ways, which all certify them."""
    null, _ = problem.null()
    assert all(result.converged for result in results)
    values = [problem.objective(result.coef, result.intercept) for result in results]
    assert_allclose(values, values[0], rtol=0, atol=1e-9 * null)


@pytest.mark.numerical
@given(problems(penalised=True), st.sampled_from(sorted(LAYOUTS)))
def test_solution_is_optimal_and_its_certificate_is_true(problem, layout):
    result = solve(problem, LAYOUTS[layout](problem.X))
    null, _ = problem.null()
    assert result.status == Status.CONVERGED
    value = problem.objective(result.coef, result.intercept)
    assert_allclose(result.objective, value, rtol=1e-12, atol=1e-14 * null)
    assert 0 <= result.gap <= result.tolerance
    assert_allclose(result.tolerance, 1e-12 * null, rtol=1e-9)
    gap = max(result.objective - result.dual_objective, 0.0)
    assert_allclose(result.gap, gap, rtol=0, atol=1e-15 * null)
    # No lower bound that numpy finds is above what the core reached, and conversely.
    assert problem.dual(result.coef, result.intercept) <= value + 1e-13 * null
    assert problem.dual(result.coef, result.intercept) >= value - 1e-8 * null
    steep = np.abs(problem.dense).max() + 1
    violation = problem.violation(result.coef, result.intercept)
    assert violation <= 3e-6 * steep * np.sqrt(null)
    if problem.positive:
        assert (result.coef >= 0).all()


@given(problems(loss="squared", penalised=True), st.sampled_from([1.0, 1e-2, 1e-6]))
def test_violation_is_that_of_the_returned_point(problem, rtol):
    # Of the squared loss, whose intercept is always exact: the core sees X centred.
    result = solve(problem, rtol=rtol)
    steep = np.abs(problem.dense).max() + 1
    expected = problem.violation(result.coef, result.intercept)
    null, _ = problem.null()
    assert_allclose(result.violation, expected, rtol=1e-6, atol=1e-12 * steep * (1 + null))


@given(problems())
def test_unpenalised_coefficients_too(problem):
    result = solve(problem, rtol=1e-10)
    assume(result.status == Status.CONVERGED)  # without a penalty there may be no minimiser
    null, _ = problem.null()
    steep = np.abs(problem.dense).max() + 1
    violation = problem.violation(result.coef, result.intercept)
    assert violation <= 3e-5 * steep * np.sqrt(null)


@given(problems(loss="squared"))
def test_least_squares_always_converges(problem):
    assert solve(problem, rtol=1e-8).status == Status.CONVERGED


@pytest.mark.numerical
@given(problems(penalised=True))
def test_layouts_and_gram_agree(problem):
    results = [
        solve(problem, convert(problem.X), precompute=gram)
        for convert in LAYOUTS.values()
        for gram in (True, False)
    ]
    assert_same_minimum(problem, *results)


@given(problems(penalised=True))
def test_float32_is_the_same_problem_with_rounded_data(problem):
    rounded = problem.X.astype(np.float32)
    problem = replace(problem, X=rounded.astype(float))
    assert_same_minimum(problem, solve(problem, rounded), solve(problem))


@given(problems(penalised=True, l1_ratios=(1.0,)), st.integers(-20, 20))
def test_scaling_x_and_alpha_scales_the_coefficients_back(problem, exponent):
    factor = 2.0**exponent  # a power of two, so that both problems have the same digits
    scaled = solve(problem, problem.X * factor, alphas=[problem.alpha * factor])
    null, _ = problem.null()
    back = problem.objective(scaled.coef * factor, scaled.intercept)
    assert_allclose(back, solve(problem).objective, rtol=0, atol=1e-10 * null)


@given(problems(loss="squared", penalised=True, l1_ratios=(1.0,)), st.integers(-20, 20))
def test_scaling_y_and_alpha_scales_the_coefficients(problem, exponent):
    factor = 2.0**exponent
    changed = replace(problem, y=problem.y * factor)
    scaled = solve(changed, alphas=[problem.alpha * factor])
    null, _ = problem.null()
    back = problem.objective(scaled.coef / factor, scaled.intercept / factor)
    assert_allclose(back, solve(problem).objective, rtol=0, atol=1e-10 * null)


@given(problems(penalised=True), st.randoms(use_true_random=False))
def test_order_of_samples_and_features_does_not_matter(problem, random):
    n, p = problem.X.shape
    rows, columns = random.sample(range(n), n), random.sample(range(p), p)

    def take(vector, order):
        return None if vector is None else np.asarray(vector)[order]

    shuffled = replace(
        problem,
        X=problem.X[np.ix_(rows, columns)],
        y=problem.y[rows],
        sample_weight=take(problem.sample_weight, rows),
        penalty_weights=take(problem.penalty_weights, columns),
    )
    null, _ = problem.null()
    difference = solve(shuffled).objective - solve(problem).objective
    assert abs(difference) <= 1e-9 * null


@given(problems(penalised=True), st.data())
def test_a_weight_is_a_repetition_and_zero_a_removal(problem, data):
    n = len(problem.y)
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    repeated = replace(
        problem,
        X=np.repeat(problem.X, counts, axis=0),
        y=np.repeat(problem.y, counts),
        sample_weight=None,
    )
    assume(len(repeated.y) >= 2)
    if problem.loss == "logistic":
        assume(len(np.unique(repeated.y)) == 2)
    weighted = replace(problem, sample_weight=counts)
    assert_same_minimum(repeated, solve(weighted), solve(repeated))


@given(problems(penalised=True), st.floats(1e-3, 1e3))
def test_only_ratios_of_weights_matter(problem, factor):
    w = np.ones(len(problem.y)) if problem.sample_weight is None else problem.sample_weight
    changed = replace(problem, sample_weight=w * factor)
    assert_same_minimum(problem, solve(changed), solve(problem))


@pytest.mark.numerical
@given(problems(penalised=True))
def test_threads_and_repetition_change_no_bit(problem):
    once = solve(problem, n_threads=1)
    for n_threads in (1, 2, 3):
        again = solve(problem, n_threads=n_threads)
        assert_array_equal(again.coef, once.coef)
        assert again.intercept == once.intercept
        assert again.gap == once.gap


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("shape", [(2000, 40), (100, 1500)])
@pytest.mark.parametrize("precompute", ["auto", False])
def test_threads_change_no_bit_of_larger_problems(layout, loss, shape, precompute, rng):
    X = rng.standard_normal(shape)
    X[rng.random(shape) < 0.7] = 0
    y = X[:, :5].sum(axis=1) + rng.standard_normal(shape[0])
    function = enet_path if loss == "squared" else logistic_path
    paths = [
        function(
            LAYOUTS[layout](X),
            y if loss == "squared" else y > 0,
            l1_ratio=1.0,
            alphas=5,
            eps=0.05,
            precompute=precompute,
            n_threads=n_threads,
            fit_intercept=True,
        )
        for n_threads in (1, 2)
    ]
    assert_array_equal(paths[0].coefs, paths[1].coefs)
    assert_array_equal(paths[0].intercepts, paths[1].intercepts)
    assert_array_equal(paths[0].gaps, paths[1].gaps)


@given(problems(penalised=True), st.integers(0, 100))
def test_order_of_coordinates_does_not_move_the_minimum(problem, seed):
    shuffled = solve(problem, selection="random", random_state=seed)
    again = solve(problem, selection="random", random_state=seed)
    assert_array_equal(shuffled.coef, again.coef)
    assert_same_minimum(problem, shuffled, solve(problem))


@given(problems(penalised=True), st.integers(0, 2**32 - 1))
def test_start_does_not_move_the_minimum(problem, seed):
    start = 10 * np.random.default_rng(seed).standard_normal(problem.X.shape[1])
    start = np.abs(start) if problem.positive else start
    assert_same_minimum(problem, solve(problem, coef_init=start), solve(problem))


@given(problems(penalised=True, l1_ratios=(1.0, 0.5)))
def test_path_is_monotone(problem):
    """A smaller alpha never has a smaller penalty, nor a larger loss."""
    function = enet_path if problem.loss == "squared" else logistic_path
    v = np.ones(problem.X.shape[1]) if problem.penalty_weights is None else problem.penalty_weights
    path = function(
        problem.X,
        problem.y,
        alphas=12,
        eps=0.02,
        l1_ratio=problem.l1_ratio,
        sample_weight=problem.sample_weight,
        penalty_weights=problem.penalty_weights,
        positive=problem.positive,
        fit_intercept=problem.fit_intercept,
        rtol=1e-12,
    )
    null, _ = problem.null()
    ridge = (1 - problem.l1_ratio) / 2 * path.coefs**2
    sizes = v @ (problem.l1_ratio * np.abs(path.coefs) + ridge)
    assert (np.diff(sizes) >= -1e-5 * sizes.max(initial=0)).all()
    losses = [
        problem.loss_value(problem.dense @ coef + intercept)
        for coef, intercept in zip(path.coefs.T, path.intercepts, strict=True)
    ]
    assert (np.diff(losses) <= 1e-6 * null).all()
    assert not path.coefs[:, 0].any()
    assert_allclose(path.alphas, path.alpha_max * np.geomspace(1, 0.02, 12), rtol=1e-12)
    assert_allclose(path.alpha_max, problem.alpha_max(), rtol=1e-10)


@given(problems(loss="squared", penalised=True, l1_ratios=(1.0, 0.5)))
def test_objective_is_never_above_that_of_scikit_learn(problem):
    problem = replace(problem, penalty_weights=None)
    theirs = sk.ElasticNet(
        alpha=problem.alpha,
        l1_ratio=problem.l1_ratio,
        fit_intercept=problem.fit_intercept,
        positive=problem.positive,
        tol=1e-12,
        max_iter=20_000,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(problem.X, problem.y, problem.sample_weight)
    ours = solve(problem, rtol=1e-14)
    value = problem.objective(theirs.coef_, theirs.intercept_)
    null, _ = problem.null()
    assert problem.objective(ours.coef, ours.intercept) <= value + 1e-13 * null


@given(problems(penalised=True))
@example(
    reference.Problem(X=np.ones((3, 1)), y=np.array([1.0, 2.0, 3.0]), alpha=0.1)
)  # nothing varies
def test_above_alpha_max_all_coefficients_are_zero(problem):
    problem = replace(problem, l1_ratio=1.0)
    null, intercept = problem.null()
    top = max(problem.alpha_max(), 1e-8)
    above = solve(problem, alphas=[top * (1 + 1e-9)])
    assert not above.coef.any()
    assert_allclose(above.intercept, intercept, atol=1e-9)
    assert_allclose(above.objective, null, rtol=1e-12)
