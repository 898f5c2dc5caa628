"""Training against moved inputs, proofs and attacks: what users call."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_moons

from cycloid.neural_network import ConvexReLUClassifier, ConvexReLURegressor, convex_relu

pytestmark = pytest.mark.numerical

LOSSES = ["squared_error", "log_loss", "hinge", "squared_hinge"]


def labelled(n=30, noise=0.1, seed=0):
    X, y = make_moons(n, noise=noise, random_state=seed)
    return X, 2.0 * y - 1


def moves(norm, radius, d):
    """Corners of the cube, or points of the sphere."""
    if norm == "linf":
        return radius * np.array(list(itertools.product([-1.0, 1.0], repeat=d)))
    points = np.random.default_rng(5).standard_normal((4000, d))
    return radius * points / np.linalg.norm(points, axis=1, keepdims=True)


def plain_loss(loss, z, y):
    return {
        "hinge": np.maximum(0, 1 - y * z),
        "squared_hinge": np.maximum(0, 1 - y * z) ** 2,
        "log_loss": np.logaddexp(0, -y * z),
        "squared_error": (z - y) ** 2 / 2,
    }[loss]


def worst_objective(result, X, y, alpha, loss, steps):
    worst = np.max([plain_loss(loss, result.predict(X + e)[:, 0], y) for e in steps], axis=0)
    size = sum(
        float((w**2).sum())
        for w in (result.hidden_coef, result.hidden_intercept, result.output_coef)
    )
    return worst.mean() + alpha / 2 * size


@pytest.mark.parametrize("patterns", ["refined", "random", "all"])
@pytest.mark.parametrize("loss", LOSSES)
def test_objective_is_that_of_the_worst_corners(loss, patterns):
    X, y = labelled()
    result = convex_relu(
        X,
        y,
        1e-3,
        loss=loss,
        adversarial_radius=0.1,
        patterns=patterns,
        random_state=0,
    )
    assert result.converged
    assert result.gap <= 0.01 * result.objective
    worst = worst_objective(result, X, y, 1e-3, loss, moves("linf", 0.1, 2))
    assert worst == pytest.approx(result.objective, rel=1e-8)


@pytest.mark.parametrize("loss", LOSSES)
def test_objective_is_that_of_the_worst_points_of_a_sphere(loss):
    X, y = labelled()
    result = convex_relu(
        X,
        y,
        1e-3,
        loss=loss,
        adversarial_radius=0.1,
        adversarial_norm="l2",
        random_state=0,
    )
    worst = worst_objective(result, X, y, 1e-3, loss, moves("l2", 0.1, 2))
    assert worst <= result.objective * (1 + 1e-9)
    assert worst == pytest.approx(result.objective, rel=1e-4)


def test_all_patterns_are_never_worse_than_some():
    X, y = labelled(10)
    options = {"loss": "hinge", "adversarial_radius": 0.05, "tol": 5e-3, "random_state": 0}
    best = convex_relu(X, y, 1e-3, patterns="all", max_iter=100, **options)
    for patterns in ("refined", "random"):
        other = convex_relu(X, y, 1e-3, patterns=patterns, max_iter=100, **options)
        assert other.objective >= best.lower_bound * (1 - 1e-9)


def test_a_small_radius_costs_little_and_a_larger_one_more():
    X, y = labelled(10)
    options = {"loss": "hinge", "patterns": "all", "tol": 5e-3}
    values = [
        convex_relu(X, y, 1e-2, adversarial_radius=r, **options).objective for r in (1e-5, 0.1, 0.2)
    ]
    clean = convex_relu(X, y, 1e-2, **options).objective
    assert clean * (1 - 1e-2) <= values[0] <= clean * (1 + 2e-2)
    assert values[0] < values[1] < values[2]


def test_classifier_is_robust_where_a_clean_one_is_not():
    X, y = make_moons(24, noise=0.05, random_state=0)
    options = {"loss": "hinge", "alpha": 1e-2, "tol": 0.03, "random_state": 0}
    clean = ConvexReLUClassifier(**options).fit(X, y)
    robust = ConvexReLUClassifier(adversarial_radius=0.05, **options).fit(X, y)
    assert robust.score(X, y) > 0.9
    assert robust.certified_accuracy(X, y, 0.05) > 0.9
    worst = [np.maximum(0, 1 - model.certify(X, y, 0.05).lower).mean() for model in (clean, robust)]
    assert worst[1] < worst[0]


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_proofs_lie_below_every_attack(n_classes, norm):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((40, 2))
    codes = (X[:, 0] * X[:, 1] > 0).astype(int) + (n_classes == 3) * (X[:, 0] > 0.8)
    y = np.array(["a", "b", "c"])[codes]
    model = ConvexReLUClassifier(alpha=1e-3, tol=0.1, random_state=0).fit(X, y)

    def margins(points):
        outputs = model.decision_function(points)
        if n_classes == 2:
            return np.where(codes == 1, outputs, -outputs)
        own = outputs[np.arange(len(codes)), codes].copy()
        outputs[np.arange(len(codes)), codes] = -np.inf
        return own - outputs.max(axis=1)

    certificate = model.certify(X, y, 0.2, norm=norm)
    assert (certificate.lower <= certificate.upper).all()
    tried = np.min([margins(X + e) for e in moves(norm, 0.2, 2)], axis=0)
    assert (certificate.lower <= tried + 1e-9).all()
    attack = model.attack(X, y, 0.2, norm=norm, random_state=0)
    assert_allclose(attack.margin, margins(attack.X), atol=1e-9)
    size = np.linalg.norm(attack.X - X, ord=np.inf if norm == "linf" else 2, axis=1)
    assert size.max() <= 0.2 * (1 + 1e-9)
    assert (certificate.lower <= attack.margin + 1e-9).all()
    assert certificate.accuracy <= attack.accuracy <= model.score(X, y)
    # Branch and bound decides all of so small a network.
    decided = model.certify(X, y, 0.2, norm=norm, max_nodes=5000)
    assert decided.accuracy == decided.accuracy_bound
    assert_allclose(model.certify(X, y, 0.0).lower, margins(X), atol=1e-9)


def test_attack_stays_within_the_clip():
    X, y = labelled()
    X = (X - X.min()) / (X.max() - X.min())
    model = ConvexReLUClassifier(alpha=1e-3, tol=0.1, random_state=0).fit(X, y)
    found = model.attack(X, y, 0.3, clip=(0.0, 1.0), random_state=0)
    assert found.X.min() >= 0
    assert found.X.max() <= 1
    assert_array_equal(found.X, model.attack(X, y, 0.3, clip=(0.0, 1.0), random_state=0).X)
    with pytest.raises(ValueError, match="X must lie within clip"):
        model.attack(X + 1, y, 0.3, clip=(0.0, 1.0))
    with pytest.raises(ValueError, match="clip must be None or two numbers"):
        model.attack(X, y, 0.3, clip=0.5)


def test_several_outputs_and_classes():
    rng = np.random.default_rng(0)
    y = np.arange(24) % 3
    X = 0.2 * rng.standard_normal((24, 2)) + np.array([[0, 0], [2, 0], [0, 2]])[y]
    model = ConvexReLUClassifier(
        loss="hinge", adversarial_radius=0.1, alpha=1e-2, tol=0.03, random_state=0
    ).fit(X, y)
    assert model.score(X, y) == 1
    assert model.certified_accuracy(X, y, 0.1) > 0.9
    with pytest.raises(ValueError, match="needs loss='hinge' or 'squared_hinge'"):
        ConvexReLUClassifier(adversarial_radius=0.1).fit(X, y)
    targets = np.column_stack([X[:, 0], np.abs(X[:, 1])])
    regressor = ConvexReLURegressor(adversarial_radius=0.05, tol=0.05, random_state=0)
    assert regressor.fit(X, targets).score(X, targets) > 0.9


def test_without_a_bias(bumps):
    X, y = bumps
    options = {"fit_intercept": False, "random_state": 0}
    result = convex_relu(X + 5.0, y, 1e-3, adversarial_radius=0.1, **options)
    assert_array_equal(result.hidden_intercept, 0)
    steps = moves("linf", 0.1, 2)
    worst = worst_objective(result, X + 5.0, y, 1e-3, "squared_error", steps)
    assert worst == pytest.approx(result.objective, rel=1e-8)
    with pytest.raises(ValueError, match="adversarial_radius=100 is too large"):
        convex_relu(X, y, 1e-3, adversarial_radius=100.0, **options)


def test_the_network_before_is_where_the_next_begins(bumps):
    X, y = bumps
    X, y = X[:9], y[:9]
    options = {"adversarial_radius": 0.02, "random_state": 0, "tol": 5e-3, "max_iter": 100}
    full = convex_relu(X, y, 1e-3, patterns="all", **options)
    again = convex_relu(X, y, 1e-3, patterns="random", network_init=full, **options)
    # The patterns of its neurons are among the ones that are tried.
    assert again.objective <= full.objective * (1 + 1e-2)


def test_verbose_and_callback(bumps, capsys):
    X, y = bumps
    rows = []
    convex_relu(
        X, y, 1e-3, adversarial_radius=0.02, verbose=1, callback=rows.append, random_state=0
    )
    assert {"iteration", "seconds", "objective", "lower_bound"} <= set(rows[0])
    assert "lower_bound" in capsys.readouterr().out


def test_bad_arguments(bumps):
    X, y = bumps
    with pytest.raises(ValueError, match="adversarial_radius must be a number >= 0"):
        convex_relu(X, y, 1e-3, adversarial_radius=-1.0)
    with pytest.raises(ValueError, match="adversarial_radius must be finite"):
        convex_relu(X, y, 1e-3, adversarial_radius=np.inf)
    with pytest.raises(ValueError, match="adversarial_norm must be one of"):
        convex_relu(X, y, 1e-3, adversarial_radius=0.1, adversarial_norm="l1")
    with pytest.raises(ValueError, match="needs a loss of"):
        convex_relu(X, y, 1e-3, adversarial_radius=0.1, loss="huber")
    model = ConvexReLUClassifier(patterns="random", tol=1.0, random_state=0).fit(X, y > 0)
    with pytest.raises(ValueError, match="y must hold classes seen in fit only; got 7"):
        model.certify(X, np.full(len(y), 7), 0.1)
    with pytest.raises(ValueError, match="radius must be a number >= 0"):
        model.certify(X, y > 0, -0.1)
    with pytest.raises(ValueError, match="norm must be one of"):
        model.certify(X, y > 0, 0.1, norm="l7")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.attack(X, y[:-1] > 0, 0.1)
