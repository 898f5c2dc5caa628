"""The examples of the docstrings run, and the docstrings name every parameter and attribute."""

import dataclasses
import doctest
import importlib
import inspect
import re
import sys

import pytest

import cycloid.ot as ot


@pytest.mark.parametrize("name", ot.__all__)
def test_examples(name):
    item = getattr(ot, name)
    module = importlib.import_module(item.__module__)
    for test in doctest.DocTestFinder().find(item, name, module):
        report = []
        runner = doctest.DocTestRunner()
        runner.run(test, out=report.append)
        assert not runner.failures, "".join(report)


def named_in(docstring, section):
    text = re.search(rf"^{section}\n-+\n(.*?)(\n\n[A-Z]\w+\n-+|\Z)", docstring, re.M | re.S).group(
        1
    )
    heads = re.findall(r"^(\S.*?) : ", text, re.M)
    return {name.strip() for head in heads for name in head.split(",")}


@pytest.mark.parametrize("function", [ot.solve, ot.solve_points])
def test_every_parameter_is_documented(function):
    documented = named_in(inspect.getdoc(function), "Parameters")
    assert documented == set(inspect.signature(function).parameters)


def test_every_attribute_is_documented():
    fields = {field.name for field in dataclasses.fields(ot.TransportResult)}
    documented = named_in(inspect.getdoc(ot.TransportResult), "Attributes")
    assert documented == {name for name in fields if not name.startswith("_")}


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_a_package_that_is_absent_is_named(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"cycloid.ot.{name}", raising=False)
    with pytest.raises(ImportError, match=rf"pip install cycloid\[{name}\]"):
        importlib.import_module(f"cycloid.ot.{name}")
