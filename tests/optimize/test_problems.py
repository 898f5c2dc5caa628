"""The collection of problems: formulas against known values, derivatives against differences."""

from __future__ import annotations

import numpy as np
import pytest

from tests.optimize.hard_problems import HARD
from tests.optimize.problem import Problem
from tests.optimize.problems import STANDARD

ALL = {**STANDARD, **HARD}


def test_collection_holds_what_it_names():
    named = {"HS6", "HS7", "HS28", "HS40", "HS42", "HS48", "HS78", "BT1", "BT3", "BT9", "MARATOS"}
    assert named <= set(STANDARD)
    assert len(STANDARD) >= 41
    assert {"HS61", "BYRDSPHR", "BT8"} <= set(HARD)


def difference(function, x: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Derivative along a direction, by differences of fourth order."""
    h = 1e-3

    def at(step):
        return np.asarray(function(x + step * h * direction), dtype=np.float64)

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)


def assert_near(exact, approximate):
    scale = 1 + np.max(np.abs(exact), initial=0)
    np.testing.assert_allclose(exact, approximate, rtol=0, atol=1e-6 * scale)


@pytest.mark.parametrize("problem", ALL.values(), ids=str)
def test_derivatives_equal_differences(problem: Problem):
    rng = np.random.default_rng(0)
    x = problem.start + 0.05 * (1 + np.abs(problem.start)) * rng.uniform(-1, 1, problem.n)
    y = rng.standard_normal(problem.m)
    direction = rng.uniform(-1, 1, problem.n)

    def gradient_of_lagrangian(point):
        return problem.gradient(point) + problem.jacobian(point).T @ y

    assert problem.jacobian(x).shape == (problem.m, problem.n)
    assert_near(problem.gradient(x) @ direction, difference(problem.objective, x, direction))
    assert_near(problem.jacobian(x) @ direction, difference(problem.constraints, x, direction))
    hessian = problem.hessian(x, y)
    np.testing.assert_array_equal(hessian, hessian.T)
    assert_near(hessian @ direction, difference(gradient_of_lagrangian, x, direction))


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("HS6", [1, 1]),
        ("HS7", [0, np.sqrt(3)]),
        ("HS28", [0.5, -0.5, 0.5]),
        ("HS40", [2 ** (-1 / 3), 2**-0.5, 2 ** (-11 / 12), 2 ** (-1 / 4)]),
        ("HS42", [2, 2, 0.6 * np.sqrt(2), 0.8 * np.sqrt(2)]),
        ("HS48", [1] * 5),
        ("HS50", [1] * 5),
        ("HS51", [1] * 5),
        ("HS52", np.array([-33, 11, 180, -158, 11]) / 349),
        ("BT1", [1, 0]),
        ("BT9", [1, 1, 0, 0]),
        ("BT10", [1, 1]),
        ("MARATOS", [1, 0]),
        ("HS8", [4.60159, 1.95584]),
        ("HS9", [-3, -4]),
        ("HS26", [1] * 3),
        ("HS27", [-1, 1, 0]),
        ("HS61", [5.326770, -2.118998, 3.210464]),
        ("BT8", [1, 0, 0, 0, 0]),
        ("HIMMELBC", [3, 2]),
        ("DENSCHNCNE", [1, 1]),
        ("HELIXNE", [1, 0, 0]),
        ("POWELLSE", [0] * 4),
    ],
)
def test_published_solutions(name: str, x):
    problem, x = ALL[name], np.array(x, dtype=np.float64)
    np.testing.assert_allclose(problem.constraints(x), 0, atol=2e-4)
    np.testing.assert_allclose(problem.objective(x), problem.optimum, rtol=1e-6, atol=1e-12)
