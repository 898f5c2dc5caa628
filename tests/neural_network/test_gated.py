"""gated_relu against its own objective written out, CVXPY and the program with cones."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from cycloid.neural_network import Status, convex_relu, gated_relu

pytestmark = pytest.mark.numerical

LOSSES = {
    "squared_error": lambda f, y: 0.5 * (f - y) ** 2,
    "log_loss": lambda f, y: np.logaddexp(0, -y * f),
    "hinge": lambda f, y: np.maximum(0, 1 - y * f),
    "softmax": lambda f, y: y * (np.log(np.exp(f).sum(axis=1, keepdims=True)) - f),
}


def targets_of(loss, X):
    if loss == "softmax":
        return (X[:, :3].argmax(axis=1)[:, None] == np.arange(3)).astype(float)
    y = np.column_stack([np.abs(X[:, 0]) - 0.5, X[:, 1] * X[:, 2]])
    return y if loss == "squared_error" else np.where(y > 0, 1.0, -1.0)


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    return rng.standard_normal((30, 4)), rng.random(30)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("loss", LOSSES)
def test_objective_is_that_of_the_network(loss, bias, samples):
    X, weights = samples
    y = targets_of(loss, X)
    result = gated_relu(
        X, y, 0.01, loss=loss, n_patterns=10, sample_weight=weights, fit_intercept=bias,
        tol=1e-7, random_state=1,
    )  # fmt: skip
    each = LOSSES[loss](result.predict(X), y).sum(axis=1)
    norms = np.sqrt((result.coef**2).sum(axis=1) + result.coef_intercept**2)
    expected = weights @ each / weights.sum() + 0.01 * norms.sum()
    assert result.converged
    assert result.objective == pytest.approx(expected, rel=1e-10)
    assert 0 <= result.gap <= 1e-7 * result.objective
    assert result.n_patterns == 10 >= result.n_gates > 0
    if not bias:
        assert not result.gate_intercept.any()
        assert not result.coef_intercept.any()
        assert not result.output_intercept.any()


def test_equals_cvxpy(samples):
    cp = pytest.importorskip("cvxpy")
    X, weights = samples
    y = targets_of("squared_error", X)
    result = gated_relu(X, y, 0.03, n_patterns=12, sample_weight=weights, tol=1e-9, random_state=2)
    # With hardly a penalty all gates that are open on a sample have a coefficient.
    every = gated_relu(X, y, 1e-7, n_patterns=12, sample_weight=weights, tol=1e-3, random_state=2)
    count = every.n_gates
    assert 10 <= count <= 12
    opened = X @ every.gate_coef + every.gate_intercept >= 0
    design = np.column_stack([X, np.ones(len(X))])
    c = cp.Variable((1, 2))
    blocks = [[cp.Variable(5) for _ in range(2)] for _ in range(count)]
    fits = [
        sum(cp.multiply(opened[:, j].astype(float), design @ blocks[j][k]) for j in range(count))
        + c[0, k]
        for k in range(2)
    ]
    loss = sum(
        cp.sum(cp.multiply(weights / weights.sum() / 2, cp.square(fits[k] - y[:, k])))
        for k in range(2)
    )
    penalty = sum(cp.norm(block) for pair in blocks for block in pair)
    optimum = cp.Problem(cp.Minimize(loss + 0.03 * penalty)).solve(solver="CLARABEL")
    assert result.objective == pytest.approx(optimum, rel=1e-6)


def test_below_the_program_with_cones():
    X = np.random.default_rng(3).standard_normal((25, 2))
    y = np.maximum(X[:, 0], 0) - 0.5 * np.abs(X[:, 1])
    gated = gated_relu(X, y, 0.01, n_patterns=2000, random_state=0)
    network = convex_relu(X, y, 0.01, patterns="all", tol=1e-4)
    assert gated.n_patterns > 100
    assert gated.objective <= network.objective * (1 + 1e-3)


def test_large_penalty_one_sample_one_feature():
    result = gated_relu([[1.0], [2.0]], [3.0, 5.0], 1e3, random_state=0)
    assert result.n_gates == 0
    assert_allclose(result.predict([[7.0]]), [[4.0]])
    assert gated_relu([[1.0]], [3.0], 0.1, random_state=0).objective == pytest.approx(0, abs=1e-9)


def test_same_result_for_one_and_two_threads(samples):
    X, _ = samples
    one, two = (
        gated_relu(X, X[:, 0] ** 2, 0.01, random_state=0, n_threads=threads) for threads in (1, 2)
    )
    assert_array_equal(one.predict(X), two.predict(X))


def test_limits_and_callback(samples):
    X, _ = samples
    rows = []
    with pytest.warns(ConvergenceWarning, match="1 iterations"):
        result = gated_relu(
            X, X[:, 0] ** 2, 1e-4, max_iter=1, tol=1e-12, random_state=0, callback=rows.append
        )
    assert result.status == Status.MAX_ITER
    assert rows
    with pytest.warns(ConvergenceWarning):
        assert gated_relu(X, X[:, 0], 0.1, time_limit=0.0).status == Status.TIME_LIMIT


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 0.0}, "alpha must be"),
        ({"loss": "absolute"}, "loss must be"),
        ({"n_patterns": 0}, "n_patterns must be"),
        ({"X": [[np.nan]]}, "X contains NaN"),
        ({"y": [1.0, 2.0]}, "y must have shape"),
        ({"tol": 0.0}, "tol must be"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        gated_relu(**({"X": [[1.0]], "y": [1.0], "alpha": 0.1} | change))


def test_predict_wants_the_same_features(samples):
    result = gated_relu(samples[0], samples[0][:, 0], 0.1)
    with pytest.raises(ValueError, match="X must have 4 features; got 3"):
        result.predict(samples[0][:, :3])
