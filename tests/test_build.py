"""What the installed package contains and what importing it does."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys
from importlib import metadata, resources

import pytest

import cycloid
from cycloid import _core

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(cycloid.__path__, prefix="cycloid.")
    if not module.name.startswith(("cycloid._core_", "cycloid._cpu", "cycloid.__main__"))
)
OPTIONAL = {"cycloid.ot.jax": "jax", "cycloid.ot.torch": "torch"}  # and what they need


def test_version_is_that_of_the_distribution():
    assert cycloid.__version__ == metadata.version("cycloid")


def test_show_config_prints_version_and_level(capsys):
    cycloid.show_config()
    printed = capsys.readouterr().out
    assert cycloid.__version__ in printed
    assert f"{_core.level} (built: " in printed
    for value in _core.build_info.values():
        assert value in printed


@pytest.mark.parametrize("name", ["py.typed", "_core.pyi"])
def test_type_information_is_shipped(name):
    assert (resources.files("cycloid") / name).is_file()


def test_stub_and_core_have_the_same_names():
    tree = ast.parse((resources.files("cycloid") / "_core.pyi").read_text())
    declared = set()

    def public(names):
        return {name for name in names if not name.startswith("_")}

    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            declared.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            declared.add(node.target.id)
    present = {name for name, value in vars(_core).items() if not inspect.ismodule(value)}
    assert public(declared) == public(present)


def test_import_is_lazy():
    code = """
import sys, cycloid
slow = {"sklearn", "scipy.sparse.linalg", "scipy.stats", "matplotlib", "cycloid.linear_model"}
print(sorted(slow & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_public_names_are_listed_and_unknown_names_rejected():
    assert set(cycloid.__all__) <= set(dir(cycloid))
    for name in cycloid.__all__:
        assert getattr(cycloid, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = cycloid.no_such_name


@pytest.mark.parametrize("name", ["cycloid", *MODULES])
def test_docstring_examples(name):
    if name in OPTIONAL:
        pytest.importorskip(OPTIONAL[name])
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0, "see the captured output"
