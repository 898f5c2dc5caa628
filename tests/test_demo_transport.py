"""The transport part of the demonstration: its rival, its cases, its table and its picture."""

import numpy as np
import pytest
import transport_reference as reference
from numpy.testing import assert_allclose

from cycloid._cli import cases_transport, demo_transport, plain_transport
from cycloid._cli.cases_transport import TransportCase


def equal(n):
    return np.full(n, 1 / n)


@pytest.mark.parametrize("iterates", ["_scaling", "_log_domain"])
def test_plain_sinkhorn(rng, monkeypatch, iterates):
    """Either form, told apart by the largest cost."""
    M, reg = rng.random((20, 30)), 0.05
    monkeypatch.setattr(plain_transport, "_LARGEST", 1e9 if iterates == "_scaling" else 0.0)
    monkeypatch.setattr(plain_transport, "_scaling" if iterates != "_scaling" else "_log_domain",
                        None)  # fmt: skip
    solution = plain_transport.sinkhorn(M, reg, 1e-12, 60.0)
    expected, _, _ = reference.sinkhorn(equal(20), equal(30), M, reg)
    plan = np.exp((solution.f[:, None] + solution.g - M) / reg)
    assert_allclose(plan, expected.astype(float), atol=1e-10)
    assert solution.n_passes % 2 == 0
    error = plain_transport.marginal_error(solution.f, solution.g, M, reg)
    assert error == pytest.approx(reference.violation(plan, equal(20), equal(30)), abs=1e-14)
    assert error <= 1.1e-12


def test_plain_sinkhorn_ends_in_time(rng):
    solution = plain_transport.sinkhorn(rng.random((20, 30)), 1e-4, 1e-12, 0.05)
    assert 0.05 < solution.seconds < 2


@pytest.mark.numerical
@pytest.mark.parametrize("index", range(6))
def test_every_case_reaches_the_target(index):
    cases = cases_transport.demonstration()
    if index >= len(cases):
        pytest.skip("no Pillow to open photographs")
    case = cases[index]
    solution = demo_transport._cycloid(case, 1)
    error = plain_transport.marginal_error(solution.f, solution.g, case.M, case.reg)
    assert error <= demo_transport.TARGET


def test_cases_without_pillow(monkeypatch):
    monkeypatch.setattr(cases_transport.importlib.util, "find_spec", lambda name: None)
    assert {case.title for case in cases_transport.demonstration()} == {"digits to digits"}


@pytest.mark.numerical
def test_table(monkeypatch, capsys, rng):
    M = rng.random((40, 30))
    cases = [TransportCase("easy", M, 1.0), TransportCase("hard", M, 1e-5)]
    monkeypatch.setattr(cases_transport, "demonstration", lambda: cases)
    monkeypatch.setattr(demo_transport, "PATIENCE", 0.05)
    demo_transport.run(1)
    printed = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 100 for line in printed)
    (easy,) = (line for line in printed if line.startswith("easy"))
    (hard,) = (line for line in printed if line.startswith("hard"))
    assert ">" not in easy
    assert hard.count(">") == 2
    ours, theirs = (float(cell) for cell in hard.split()[5:7])
    assert ours <= 1e-9 < theirs


def test_picture(monkeypatch, tmp_path):
    pytest.importorskip("PIL")
    monkeypatch.setattr(cases_transport, "SAMPLE", 50)
    images = {}
    monkeypatch.setattr(demo_transport, "photographs", lambda given, path: images.update(given))
    assert demo_transport.picture("paths.svg", 1) == "paths_colors.svg"
    source, target, *recoloured = images.values()
    assert len(recoloured) == 3
    for image in recoloured:
        assert image.shape == source.shape
        assert 0 <= image.min() <= image.max() <= 1
    # The smaller the regularization, the closer the mean colours.
    distances = [np.linalg.norm((image - target).mean(axis=(0, 1))) for image in recoloured]
    assert distances[-1] < 0.5 * np.linalg.norm((source - target).mean(axis=(0, 1)))
