"""`cycloid.ot.jax`, against finite differences (needs JAX)."""

import doctest

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install cycloid[jax]")

import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402
from numpy.testing import assert_allclose  # noqa: E402
from plain_transport import problem  # noqa: E402
from scipy.spatial.distance import cdist  # noqa: E402

import cycloid.ot as ot  # noqa: E402
import cycloid.ot.jax as wrappers  # noqa: E402
from cycloid.ot.jax import (  # noqa: E402
    points_transport_value,
    sinkhorn_divergence,
    transport_value,
)

REG = 0.3
OPTIONS = {"tol": 1e-12}


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def clouds():
    rng = np.random.default_rng(2)
    return jnp.array(rng.standard_normal((5, 3))), jnp.array(rng.standard_normal((4, 3)) + 0.5)


def logits():
    rng = np.random.default_rng(3)
    return jnp.array(rng.standard_normal(5)), jnp.array(rng.standard_normal(4))


def check(function, arguments):
    check_grads(function, arguments, order=1, modes=["rev"], eps=1e-5, atol=1e-6, rtol=1e-6)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("compiled", [False, True])
def test_value_by_masses_and_costs(compiled):
    def value(theta, eta, M):
        return transport_value(jax.nn.softmax(theta), jax.nn.softmax(eta), M, REG, **OPTIONS)

    check(jax.jit(value) if compiled else value, (*logits(), jnp.array(problem(5, 4)[2])))


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("function", ["points_transport_value", "sinkhorn_divergence"])
def test_by_points_and_masses(function, cost):
    def value(X, Y, theta, eta):
        a, b = jax.nn.softmax(theta), jax.nn.softmax(eta)
        if function == "sinkhorn_divergence":
            return sinkhorn_divergence(X, Y, REG, a, b, cost, **OPTIONS)
        return points_transport_value(X, Y, a, b, REG, cost, **OPTIONS)

    check(value, (*clouds(), *logits()))


@pytest.mark.usefixtures("double")
def test_values_are_those_of_numpy():
    a, b, M = problem(5, 4)
    x, y = (np.asarray(points) for points in clouds())
    assert float(transport_value(a, b, M, REG)) == ot.solve(a, b, M, REG).dual_value
    value = points_transport_value(x, y, None, None, REG)
    assert float(value) == ot.solve(None, None, cdist(x, y, "sqeuclidean"), REG).dual_value
    assert float(sinkhorn_divergence(x, y, REG)) == ot.sinkhorn_divergence(x, y, REG).value


@pytest.mark.usefixtures("double")
def test_batches_by_vmap():
    A = jnp.array(np.random.default_rng(0).dirichlet(np.ones(5), size=3))
    M = jnp.array(problem(5, 4)[2])

    def value(a, M):
        return transport_value(a, None, M, REG, **OPTIONS)

    values = jax.jit(jax.vmap(value, in_axes=(0, None)))(A, M)
    assert_allclose(values, [value(a, M) for a in A], rtol=1e-12)
    gradients = jax.vmap(jax.grad(value, argnums=1), in_axes=(0, None))(A, M)
    plans = [ot.solve(np.asarray(a), None, np.asarray(M), REG, **OPTIONS).plan() for a in A]
    assert_allclose(gradients, plans, rtol=1e-9)


def test_single_precision():
    M = jnp.array(problem(5, 4)[2])
    assert M.dtype == jnp.float32
    value, gradient = jax.value_and_grad(lambda M: transport_value(None, None, 3 * M, REG))(M)
    assert value.dtype == gradient.dtype == jnp.float32
    plan = ot.solve(None, None, np.asarray(3 * M), REG).plan()
    assert_allclose(gradient, 3 * plan, rtol=1e-5)
    integers = transport_value(None, None, jnp.arange(6).reshape(2, 3), 1.0)
    assert integers.dtype == jnp.float32


@pytest.mark.usefixtures("double")
def test_a_step_of_descent_lowers_the_divergence():
    X, Y = clouds()
    step = jax.jit(lambda X: X - 2.0 * jax.grad(sinkhorn_divergence)(X, Y, REG))
    assert sinkhorn_divergence(step(X), Y, REG) < 0.2 * sinkhorn_divergence(X, Y, REG)


@pytest.mark.usefixtures("double")
def test_bins_without_mass():
    X, Y = clouds()
    a = jnp.array([0.25, 0.25, 0, 0.5, 0])
    gradient = jax.grad(lambda a: sinkhorn_divergence(X, Y, REG, a))(a)
    assert jnp.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda M: transport_value(None, None, M[0], REG), ValueError, r"M must have shape \(n, m"),
        (lambda M: transport_value(None, None, M, -1.0), Exception, "reg must be a number > 0"),
        (lambda M: transport_value(None, None, M, REG, sweeps=3), Exception, "sweeps"),
        (lambda M: transport_value(M, None, M, REG), Exception, "a must have"),
        (lambda M: points_transport_value(M, M, None, None, REG, "cosine"), Exception, "cost"),
        (lambda M: sinkhorn_divergence(M, M[:, :2], REG), Exception, "points of one dimension"),
    ],
)
def test_wrong_argument(call, error, message):
    with pytest.raises(error, match=message):
        call(jnp.ones((3, 3)))


def test_examples():
    outcome = doctest.testmod(wrappers)
    assert outcome.attempted >= 9
    assert outcome.failed == 0
