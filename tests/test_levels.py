"""The choice of a CPU level, and the numerical tests on each level that this CPU has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cycloid import _core

USABLE = [level for level in _core.built_levels if level in _core.supported_levels]
QEMU = shutil.which("qemu-x86_64")


def run(*command, level=None):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment.pop("CYCLOID_CPU_LEVEL", None)
    if level is not None:
        environment["CYCLOID_CPU_LEVEL"] = level
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("level", USABLE)
def test_environment_variable_chooses_the_level(level):
    code = "from cycloid import _core; print(_core.level, _core.Status.__module__)"
    result = run(sys.executable, "-c", code, level=level)
    # Pickles name the module that the class says it is from: it must not be the level's.
    assert result.stdout.split() == [level, "cycloid._core"], result.stderr


@pytest.mark.parametrize("level", USABLE)
def test_numerical_part_of_the_suite(level):
    if level == _core.level:
        pytest.skip("the whole suite is running on this level")
    tests = Path(__file__).parent
    pytest_command = (sys.executable, "-m", "pytest", "-m", "numerical", "-q")
    result = run(*pytest_command, "-p", "no:cacheprovider", str(tests), level=level)
    assert result.returncode == 0, result.stdout + result.stderr


def test_unknown_level_is_an_import_error_that_names_the_choices():
    result = run(sys.executable, "-c", "import cycloid", level="v9")
    assert result.returncode == 1
    last_line = result.stderr.strip().splitlines()[-1]
    assert last_line == (
        "ImportError: CYCLOID_CPU_LEVEL='v9' is not a level. "
        f"Choose from {', '.join(USABLE)}, or unset it."
    )


BUILT = ("v4", "v3", "v2")


@pytest.mark.parametrize(
    ("requested", "supported", "expected"),
    [
        (None, ("v4", "v3", "v2", "generic"), "v4"),
        (None, ("v3", "v2", "generic"), "v3"),
        ("", ("v2", "generic"), "v2"),
        ("v2", ("v4", "v3", "v2", "generic"), "v2"),
    ],
)
def test_choice(requested, supported, expected):
    assert _core._choose(requested, BUILT, supported) == expected


@pytest.mark.parametrize(
    ("requested", "built", "supported", "message"),
    [
        ("v4", BUILT, ("v3", "v2", "generic"), "is not supported by this CPU. Choose from v3, v2"),
        ("generic", BUILT, ("v3", "v2", "generic"), "is not built. Choose from v3, v2"),
        ("avx2", BUILT, ("v3", "v2", "generic"), "is not a level. Choose from v3, v2"),
        (None, BUILT, ("generic",), "supports the levels generic, but .* built for v4, v3, v2"),
        (None, (), ("v2", "generic"), "built for none"),
    ],
)
def test_choice_that_is_impossible(requested, built, supported, message):
    with pytest.raises(ImportError, match=message):
        _core._choose(requested, built, supported)


@pytest.mark.skipif(QEMU is None, reason="qemu-x86_64 (Debian: qemu-user) is not installed")
@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="the sanitizers do not run in an emulator")
@pytest.mark.parametrize(("cpu", "level"), [("Nehalem", "v2"), ("Haswell", "v3")])
def test_level_on_an_emulated_cpu(cpu, level):
    if level not in _core.built_levels:
        pytest.skip(f"level {level} is not built")
    # A small solve, so that a single instruction that this CPU lacks would be noticed.
    code = """
import numpy as np
from cycloid import _core
X = np.random.default_rng(0).standard_normal((20, 30))
result = _core.solve_glm_path(
    X, X[:, 0] - X[:, 1], None, loss="squared", alphas=np.array([0.1]), n_alphas=1, eps=1e-3,
    l1_ratio=1.0, penalty_weights=None, positive=False, fit_intercept=True, standardize=False,
    coef_init=None, intercept_init=0.0, rtol=1e-10, atol=0.0, max_iter=1000, gram="auto", seed=0,
    n_threads=1, time_limit=np.inf, observer=None,
)
assert result["status"][0] == _core.Status.CONVERGED
print(_core.level)
"""
    result = run(QEMU, "-cpu", cpu, sys.executable, "-c", code)
    assert result.stdout.strip() == level, result.stderr
