"""Rules of block coordinate descent: CPU seconds of 100 iterations on the paper's problems."""

from __future__ import annotations

import functools
import time

import pytest

from bench import block_rules, suite

pytestmark = pytest.mark.benchmark(timer=time.process_time)

ITERATIONS = 100


@functools.cache
def problem(name: str):
    return block_rules.MAKERS[name](1.0)


@pytest.mark.parametrize(
    ("name", "label"),
    [(name, label) for name in block_rules.RULES for label in block_rules.RULES[name]],
)
def test_rule(benchmark, name: str, label: str) -> None:
    suite.describe(benchmark, f"blocks-{name}", f"{ITERATIONS} iterations", f"cycloid {label}")
    rule = block_rules.RULES[name][label]
    found = benchmark.pedantic(
        block_rules.run, args=(problem(name), ITERATIONS), kwargs=rule, rounds=1
    )
    values = found.trace["objective"]
    benchmark.extra_info.update(iterations=found.n_iter, objective=found.objective)
    assert values[-1] < values[0]
