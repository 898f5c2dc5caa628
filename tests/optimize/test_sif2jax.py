"""The collection against sif2jax, CUTEst's problems in JAX (optional)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install cycloid[jax]")
sif2jax = pytest.importorskip("sif2jax", reason="not installed: pip install sif2jax")

from tests.optimize.hard_problems import HARD  # noqa: E402
from tests.optimize.problems import STANDARD  # noqa: E402

ALL = {**STANDARD, **HARD}
THEIRS = {problem.name: problem for problem in sif2jax.problems}
# Theirs have another size or other factors; of the helix, another branch of the angle.
DIFFERENT = {"HELIXNE", "INTEQNE", "MANCINONE", "TRIGON1NE", "POWELLSE"}
# CUTEst has several starts.
OTHER_START = {"BT4", "BT12"}
COMMON = sorted((set(ALL) & set(THEIRS)) - DIFFERENT)


@pytest.fixture(autouse=True)
def double_precision():
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def constraints(problem, x):
    return np.atleast_1d(np.asarray(problem.constraint(x)[0]))


@pytest.mark.parametrize("name", COMMON)
def test_formulas_agree(name):
    ours, theirs = ALL[name], THEIRS[name]
    if name not in OTHER_START:
        assert_allclose(ours.start, theirs.y0, rtol=1e-4)
    x = ours.start + 0.1 * np.random.default_rng(0).standard_normal(ours.n)
    point = jax.numpy.asarray(x)
    # A constant of the objective does not matter.
    origin = jax.numpy.asarray(ours.start)
    change = float(theirs.objective(point, theirs.args) - theirs.objective(origin, theirs.args))
    assert_allclose(ours.objective(x) - ours.objective(ours.start), change, rtol=1e-9, atol=1e-9)
    assert_allclose(ours.constraints(x), constraints(theirs, point), rtol=1e-9, atol=1e-9)
