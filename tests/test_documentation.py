"""The examples of the docstrings run, and the docstrings name every parameter."""

import doctest
import importlib
import inspect
import re

import pytest
from sklearn.base import is_classifier

from cycloid import linear_model, neural_network, optimize, ot, semi_supervised, sketch

PUBLIC = [
    getattr(package, name)
    for package in (linear_model, neural_network, optimize, ot, semi_supervised, sketch)
    for name in package.__all__
]
CALLED = [item for item in PUBLIC if inspect.isfunction(item) or hasattr(item, "fit")]


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.__name__)
def test_examples(item):
    module = importlib.import_module(item.__module__)
    for test in doctest.DocTestFinder(recurse=False).find(item, item.__name__, module):
        runner = doctest.DocTestRunner()
        report = []
        runner.run(test, out=report.append)
        assert not runner.failures, "".join(report)


def named_in(docstring, section):
    """Names that a numpydoc section introduces."""
    pattern = rf"^ *{section}\n *-+\n(.*?)(^ *[A-Z][\w ]+\n *-+$|\Z)"
    found = re.search(pattern, docstring, re.M | re.S)
    names = set()
    for line in inspect.cleandoc("\n" + found.group(1)).splitlines():
        if line and not line.startswith(" "):
            names.update(name.strip(" *") for name in line.partition(" : ")[0].split(","))
    return names


@pytest.mark.parametrize("item", CALLED, ids=lambda item: item.__name__)
def test_docstring_names_every_parameter(item):
    parameters = set(inspect.signature(item).parameters)
    assert named_in(inspect.getdoc(item), "Parameters") == parameters


@pytest.mark.filterwarnings("ignore:SinkhornTransport.fit got no target samples:UserWarning")
@pytest.mark.parametrize(
    "item", [item for item in PUBLIC if hasattr(item, "fit")], ids=lambda item: item.__name__
)
def test_docstring_names_every_attribute(item, classification):
    X, y = classification
    estimator = item(0) if item is linear_model.FairLogisticRegression else item()
    model = estimator.fit(X[:, :4], y == "yes" if is_classifier(estimator) else abs(X[:, 0]))
    fitted = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    documented = named_in(inspect.getdoc(item), "Attributes")
    assert fitted <= documented | {"l1_ratio_"}
    computed = {name for name in documented if isinstance(getattr(item, name, None), property)}
    assert documented - fitted - computed <= {"feature_names_in_"}
