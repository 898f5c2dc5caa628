"""`cycloid.ot.torch`, against finite differences (needs PyTorch)."""

import doctest

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install cycloid[torch]")

from numpy.testing import assert_allclose, assert_array_equal  # noqa: E402
from plain_transport import problem  # noqa: E402
from scipy.spatial.distance import cdist  # noqa: E402

import cycloid.ot as ot  # noqa: E402
import cycloid.ot.torch as wrappers  # noqa: E402
from cycloid.ot.torch import (  # noqa: E402
    points_transport_value,
    sinkhorn_divergence,
    transport_value,
)

REG = 0.3
OPTIONS = {"tol": 1e-12}


def leaf(array, dtype=torch.float64):
    return torch.tensor(np.asarray(array), dtype=dtype, requires_grad=True)


def clouds(dtype=torch.float64):
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((5, 3)), rng.standard_normal((4, 3)) + 0.5
    return leaf(X, dtype), leaf(Y, dtype)


def logits():
    rng = np.random.default_rng(3)
    return leaf(rng.standard_normal(5)), leaf(rng.standard_normal(4))


def test_value_by_masses_and_costs():
    M = leaf(problem(5, 4)[2])

    def value(theta, eta, M):
        return transport_value(theta.softmax(0), eta.softmax(0), M, REG, **OPTIONS)

    assert torch.autograd.gradcheck(value, (*logits(), M), eps=1e-5, atol=1e-7)


@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("function", ["points_transport_value", "sinkhorn_divergence"])
def test_by_points_and_masses(function, cost):
    def value(X, Y, theta, eta):
        a, b = theta.softmax(0), eta.softmax(0)
        if function == "sinkhorn_divergence":
            return sinkhorn_divergence(X, Y, REG, a, b, cost, **OPTIONS)
        return points_transport_value(X, Y, a, b, REG, cost, **OPTIONS)

    assert torch.autograd.gradcheck(value, (*clouds(), *logits()), eps=1e-5, atol=1e-6)


def test_values_are_those_of_numpy():
    a, b, M = problem(5, 4)
    X, Y = clouds()
    x, y = X.detach().numpy(), Y.detach().numpy()
    value = transport_value(leaf(a), leaf(b), leaf(M), REG)
    assert value.item() == ot.solve(a, b, M, REG).dual_value
    value = points_transport_value(X, Y, None, None, REG)
    assert value.item() == ot.solve(None, None, cdist(x, y, "sqeuclidean"), REG).dual_value
    assert sinkhorn_divergence(X, Y, REG).item() == ot.sinkhorn_divergence(x, y, REG).value


def test_gradients_of_single_precision():
    M = leaf(problem(5, 4)[2], torch.float32)
    a = leaf(np.full(5, 0.2), torch.float32)
    value = transport_value(a, None, M, REG)
    (3 * value).backward()
    assert value.dtype == M.grad.dtype == a.grad.dtype == torch.float32
    plan = ot.solve(None, None, M.detach().numpy(), REG).plan()
    assert_allclose(M.grad.numpy(), 3 * plan, rtol=1e-6)
    X, Y = clouds(torch.float32)
    sinkhorn_divergence(X, Y, REG).backward()
    assert X.grad.dtype == Y.grad.dtype == torch.float32


def test_what_needs_no_gradient_has_none():
    a, b, M = problem(5, 4)
    costs, masses = leaf(M), torch.tensor(a)
    transport_value(masses, torch.tensor(b), costs, REG).backward()
    assert masses.grad is None
    assert costs.grad is not None
    assert not transport_value(masses, torch.tensor(b), torch.tensor(M), REG).requires_grad


def test_inputs_are_left_as_they_are_and_watched():
    M = leaf(problem(5, 4)[2])
    before = M.detach().clone()
    value = transport_value(None, None, M, REG)
    assert_array_equal(M.detach(), before)
    with torch.no_grad():
        M += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_not_differentiable_twice():
    M = leaf(problem(5, 4)[2])
    (grad,) = torch.autograd.grad(transport_value(None, None, M, REG), M, create_graph=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        grad.sum().backward()


def test_layouts():
    M = leaf(problem(4, 5)[2])
    transport_value(None, None, M.T, REG).backward()
    plan = ot.solve(None, None, M.detach().numpy().T, REG).plan()
    assert_allclose(M.grad.T, plan)


def test_bins_without_mass():
    X, Y = clouds()
    a = leaf([0.25, 0.25, 0, 0.5, 0])
    sinkhorn_divergence(X, Y, REG, a, **OPTIONS).backward()
    assert torch.isfinite(a.grad).all()
    assert_array_equal(X.grad[[2, 4]], 0)
    step = 1e-7
    changed = [0.25 - step, 0.25, step, 0.5, 0]
    x, y = X.detach().numpy(), Y.detach().numpy()
    slope = (
        ot.sinkhorn_divergence(x, y, REG, changed, **OPTIONS).value
        - ot.sinkhorn_divergence(x, y, REG, a.detach().numpy(), **OPTIONS).value
    ) / step
    assert slope == pytest.approx(float(a.grad[2] - a.grad[0]), abs=1e-4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda M: transport_value(None, None, M.numpy(), REG), TypeError, "M must be a floating"),
        (lambda M: transport_value(None, None, M.long(), REG), TypeError, "M must be .*int64"),
        (lambda M: transport_value(None, None, M[0], REG), ValueError, r"M must have shape"),
        (lambda M: transport_value([1], None, M, REG), TypeError, "a must be a floating-point"),
        (lambda M: transport_value(None, None, M, -1.0), ValueError, "reg must be a number > 0"),
        (lambda M: transport_value(None, None, M, REG, sweeps=3), TypeError, "sweeps"),
        (lambda M: points_transport_value(M, None, None, None, REG), TypeError, "Y must be"),
        (lambda M: points_transport_value(M, M, None, None, REG, "cosine"), ValueError, "cost"),
        (lambda M: sinkhorn_divergence(M, M[:, :2], REG), ValueError, "points of one dimension"),
    ],
)
def test_wrong_argument(call, error, message):
    with pytest.raises(error, match=message):
        call(torch.ones(3, 3))


def test_examples():
    outcome = doctest.testmod(wrappers)
    assert outcome.attempted >= 9
    assert outcome.failed == 0
