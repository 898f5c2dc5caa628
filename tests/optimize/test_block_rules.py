"""The paper's comparison of rules on smaller problems, in the same order."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import sparse

from bench import block_rules

pytestmark = pytest.mark.numerical

ITERATIONS = 150
MAKERS = {
    "A": functools.partial(block_rules.least_squares, 0.15),
    "B": functools.partial(block_rules.logistic, 0.15),
    "C": functools.partial(block_rules.softmax, 0.1),
    "D": functools.partial(block_rules.lattice, 1.0),
    "E": functools.partial(block_rules.two_moons, 1.0),
}


@functools.cache
def problem(name):
    return MAKERS[name]()


@functools.cache
def infimum(name):
    if name not in "DE":
        return 0.0
    A, b = sparse.csc_array(problem(name).A), problem(name).b
    return -0.5 * b @ sparse.linalg.spsolve(A, b)


@functools.cache
def gap(name, selection, partition, update, block_size=5, iterations=ITERATIONS):
    """The objective above its infimum, as a share of that at zero."""
    rule = {"selection": selection, "partition": partition, "update": update}
    found = block_rules.run(problem(name), iterations, block_size=block_size, **rule)
    values = found.trace["objective"] - infimum(name)
    return max(values[-1], 0.0) / values[0]


@pytest.mark.parametrize("update", ["gradient", "matrix"])
@pytest.mark.parametrize("name", ["A", "C", "E"])
def test_variable_blocks_beat_fixed_ones(name, update):
    for selection in ("gs", "gsl"):
        fixed = gap(name, selection, "sort", update)
        assert gap(name, selection, "variable", update) < fixed


@pytest.mark.parametrize("name", ["A", "C", "E"])
def test_greedy_beats_random_and_cyclic(name):
    for blind in ("random", "cyclic"):
        worse = gap(name, blind, "sort", "gradient")
        for greedy in ("gs", "gsl"):
            assert gap(name, greedy, "sort", "gradient") < worse
            assert gap(name, greedy, "variable", "gradient") < worse


@pytest.mark.parametrize(("name", "update"), [("A", "matrix"), ("B", "newton"), ("C", "matrix")])
def test_curvature_helps_where_it_varies(name, update):
    """GSQ >= GSD >= GSL >= GS in progress, by variable blocks."""
    size, steps = {"A": (20, 60), "B": (20, 60), "C": (20, 150)}[name]
    gaps = [
        gap(name, rule, "variable", update, size, steps) for rule in ("gs", "gsl", "gsd", "gsq")
    ]
    assert gaps[1] < gaps[0]
    assert gaps[2] < gaps[1]
    assert gaps[3] < 1.05 * gaps[2]


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_matrix_updates_beat_gradient_updates(name):
    for selection in ("gs", "gsl"):
        gradient = gap(name, selection, "variable", "gradient", 20)
        assert gap(name, selection, "variable", "matrix", 20) < gradient


@pytest.mark.parametrize("name", ["D", "E"])
def test_greedy_trees_beat_colours(name):
    """By three orders of magnitude at the paper's size, and colours any block of like cost."""
    n = problem(name).A.shape[0]
    tree = gap(name, "gs", "greedy-forest", "matrix", iterations=500)
    colours = gap(name, "cyclic", "red-black", "matrix", iterations=500)
    plain = gap(name, "gs", "variable", "matrix", round(n ** (1 / 3)), 500)
    assert tree < 1e-3 * colours
    assert colours < plain


@functools.cache
def nonnegative():
    """About 30 coordinates are not zero at the minimum."""
    return block_rules.least_squares(0.3, l1=25_000.0, lower=0.0)


@pytest.mark.parametrize("block_size", [50, 100])
def test_finite_termination(block_size):
    """The support, which fits into a block, is found; then one step is exact."""
    rule = {"selection": "gsl-q", "partition": "variable", "block_size": block_size}
    found = block_rules.run(nonnegative(), 50, update="two-metric", **rule)
    assert np.count_nonzero(found.x) <= 50
    assert found.n_iter <= 10
    assert found.violation < 1e-12 * abs(nonnegative().A.T @ nonnegative().b).max()
    # Proximal Newton is superlinear, too: its exact steps let go of what is solved already.
    newton = block_rules.run(nonnegative(), 10, update="newton", **rule)
    start = newton.trace["objective"][0] - found.objective
    assert newton.objective - found.objective < 1e-9 * start


def test_two_metric_projection_takes_as_many_iterations_as_proximal_newton():
    rule = {"selection": "gsl-q", "partition": "variable", "block_size": 5}
    metric = block_rules.run(nonnegative(), 500, update="two-metric", **rule)
    newton = block_rules.run(nonnegative(), 500, update="newton", **rule)
    assert metric.objective == pytest.approx(newton.objective, rel=1e-12)
    assert abs(metric.n_iter - newton.n_iter) <= 0.25 * newton.n_iter
