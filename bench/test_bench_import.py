"""What a user waits for before the first result: the import, and the first call against the second.

Each measurement is a fresh Python process that times itself (CPU seconds of one thread, which a
busy machine distorts less); the benchmark's clock adds up what the processes report.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench import cell, peers, suite

IMPORT = """
import time
import numpy, scipy.sparse, scipy.linalg, scipy.special
start = time.process_time()
import {module}
print(time.process_time() - start)
"""
CALLS = """
import time
import numpy as np
import {module}
from bench import linear, peers
kind = linear.Problem("call", np.empty((1, 1)), np.empty(1), {loss!r}, np.ones(1))
peer = peers.all_peers()[{solver!r}]
data = peer.prepare(kind.small(n=400, p=100), 1)
for _ in range({call}):
    start = time.process_time()
    peer.solve(data, 1e-6)
    seconds = time.process_time() - start
print(seconds)
"""
LASSO = [
    ("cycloid", "cycloid"),
    ("sklearn", "sklearn.linear_model"),
    ("celer", "celer"),
    ("skglm", "skglm"),
    ("adelie", "adelie"),
]
LOGISTIC = [
    ("cycloid", "cycloid"),
    ("sklearn-liblinear", "sklearn.linear_model"),
    ("celer", "celer"),
    ("skglm", "skglm"),
    ("adelie", "adelie"),
    ("liblinear", "liblinear.liblinearutil"),
]
ROUNDS = 3


class ReportedSeconds:
    """A clock that stands still except for what child processes report."""

    def __init__(self) -> None:
        self.total = 0.0

    def __call__(self) -> float:
        return self.total

    def run(self, script: str) -> None:
        child = subprocess.run(
            [sys.executable, "-c", script], env=cell.environment(1), text=True, capture_output=True
        )
        if child.returncode:
            raise RuntimeError(child.stderr)
        self.total += float(child.stdout)


clock = ReportedSeconds()
pytestmark = pytest.mark.benchmark(timer=clock)


@pytest.mark.parametrize(
    ("solver", "module"),
    [
        ("cycloid", "cycloid"),
        ("cycloid.linear_model", "cycloid.linear_model"),
        ("sklearn", "sklearn.linear_model"),
        ("celer", "celer"),
        ("skglm", "skglm"),
        ("adelie", "adelie"),
        ("liblinear", "liblinear.liblinearutil"),
        ("snapml", "snapml"),
    ],
)
def test_import(benchmark, solver: str, module: str) -> None:
    """Beyond NumPy and SciPy, which everybody has loaded."""
    pytest.importorskip(module.split(".")[0])
    suite.describe(benchmark, "import", "seconds", solver)
    benchmark.pedantic(
        clock.run, args=(IMPORT.format(module=module),), rounds=ROUNDS, warmup_rounds=1
    )


@pytest.mark.parametrize("call", [1, 2], ids=["first", "second"])
@pytest.mark.parametrize(
    ("loss", "solver", "module"),
    [*(("squared", *solver) for solver in LASSO), *(("logistic", *solver) for solver in LOGISTIC)],
)
def test_call(benchmark, loss: str, solver: str, module: str, call: int) -> None:
    """Its module is loaded already; what the first call adds is compilation."""
    reason = peers.all_peers()[solver].reason()
    if reason:
        pytest.skip(reason)
    script = CALLS.format(solver=solver, module=module, loss=loss, call=call)
    suite.describe(benchmark, f"call-{loss}", f"call {call}", solver)
    benchmark.pedantic(clock.run, args=(script,), rounds=ROUNDS, warmup_rounds=1)
