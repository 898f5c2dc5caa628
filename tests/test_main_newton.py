"""The command `newton`: its equations, its numbers, the files that it saves, its messages; and the
part of the demonstration that is about constraints."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cycloid._cli import cases_newton, demo_newton
from cycloid._cli.equations import equations
from cycloid._cli.errors import InputError
from cycloid._cli.main import main
from cycloid.linear_model import ConstrainedLogisticRegression, FairLogisticRegression

NAMES = ["age", "body mass", "x-ray", "3d"]


@pytest.fixture
def table(tmp_path):
    """(X, labels), and a csv of them with a column of weights."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 4))
    labels = np.where(X @ [1, -1, 0.5, 0] + rng.logistic(size=80) > 0, "yes", "no")
    rows = [",".join([*(f'"{name}"' for name in NAMES), "answer", "count"])]
    rows += [",".join([*map(repr, x), c, "1"]) for x, c in zip(X.tolist(), labels, strict=True)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(rows))
    return X, labels, str(path)


@pytest.mark.parametrize(
    ("text", "row", "right"),
    [
        ("age = 0", [1, 0, 0, 0], 0),
        ("age + 2 * body mass = 0.5", [1, 2, 0, 0], 0.5),
        ("-age-1.5e-1*body mass=-2", [-1, -0.15, 0, 0], -2),
        ('"x-ray" - .5 * age = + 1', [-0.5, 0, 1, 0], 1),
        ("age + age - body mass = 1e3", [2, -1, 0, 0], 1e3),
        ('2 * "3d" + 3d = 0', [0, 0, 0, 3], 0),
        ("age - 2 = 0", [1, 0, -1, 0], 0),  # a column by its index, as everywhere
    ],
)
def test_equations(text, row, right):
    A, b = equations([text], NAMES, "file")
    assert_allclose(A, [row])
    assert_allclose(b, [right])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age", "there is no '= number'"),
        ("age = body mass", "there is no '= number'"),
        ("= 1", "there are no terms"),
        ("age * 2 = 1", "is no term"),
        ("age + = 1", "is no term"),
        ('"age = 1', "is no term"),
        ("weight = 1", "no column 'weight'"),
    ],
)
def test_equations_that_are_none(text, message):
    with pytest.raises(InputError, match=message):
        equations([text], NAMES, "file")


@pytest.mark.numerical
def test_equations_and_norm(table, tmp_path, capsys):
    X, labels, path = table
    out = str(tmp_path / "model.npz")
    arguments = ["newton", path, "--target", "answer", "--drop", "count", "--norm", "1.5"]
    arguments += ["--equation", "age + body mass = 0.2", "--save", out]
    assert main(arguments) == 0
    with np.load(out) as file:
        saved = dict(file)
    coef = saved["coef"][0]
    assert coef[0] + coef[1] == pytest.approx(0.2, abs=1e-8)
    assert np.linalg.norm(coef) == pytest.approx(1.5, abs=1e-8)
    model = ConstrainedLogisticRegression([[1, 1, 0, 0]], [0.2], 1.5, C=np.inf, tol=1e-8)
    model.fit(X, labels)
    assert_allclose(coef, model.coef_[0], atol=1e-6)
    assert saved["training_accuracy"] == model.score(X, labels)
    assert saved["violation"] <= 1e-8
    assert len(saved["multipliers"]) == 2
    assert list(saved["feature_names"]) == NAMES
    printed = capsys.readouterr().out
    for word in ("80 samples x 4 features", "2 classes (no, yes)", "CONVERGED", f"saved: {out}"):
        assert word in printed
    (line,) = (line for line in printed.splitlines() if "age + body mass = 0.2" in line)
    assert line.split()[-2:] == ["0.2", "0.2"]


@pytest.mark.numerical
def test_fair_held_out(table, tmp_path, capsys):
    _, _, path = table
    out = str(tmp_path / "model.json")
    arguments = ["newton", path, "--target", "answer", "--weights", "count", "--fair", "x-ray"]
    assert main([*arguments, "--test", "0.25", "--no-intercept", "--save", out]) == 0
    saved = json.loads((tmp_path / "model.json").read_text())
    assert saved["intercept"] == [0.0]
    assert 0 <= saved["held_out_accuracy"] <= 1
    printed = capsys.readouterr().out
    assert "on 20 held-out samples" in printed
    (line,) = (line for line in printed.splitlines() if "covariance with x-ray" in line)
    assert abs(float(line.split()[-2])) < 1e-6


@pytest.mark.numerical
def test_fair_criterion_reaches_the_model(table, tmp_path):
    X, labels, path = table
    out = tmp_path / "model.json"
    arguments = ["newton", path, "--target", "answer", "--drop", "count", "--fair", "age"]
    assert main([*arguments, "--criterion", "equal_opportunity", "--save", str(out)]) == 0
    model = FairLogisticRegression(0, "equal_opportunity", tol=1e-8).fit(X, labels)
    assert_allclose(json.loads(out.read_text())["coef"], model.coef_, atol=1e-6)


@pytest.mark.numerical
def test_contradiction_is_told(table, capsys):
    arguments = ["newton", table[2], "--target", "answer", "--drop", "count"]
    assert main([*arguments, "--equation", "age = 0", "--equation", "age = 1"]) == 1
    caught = capsys.readouterr()
    assert "CONVERGED" not in caught.out
    sides = [line.split()[-2:] for line in caught.out.splitlines() if line.startswith("  age =")]
    assert [right for _, right in sides] == ["0", "1"]
    assert_allclose([float(left) for left, _ in sides], 0.5, atol=1e-3)
    assert "warning:" in caught.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--fair", "age", "--norm", "1"], "--fair excludes --equation and --norm"),
        (["--fair", "nobody"], "no column 'nobody' (--fair)"),
        (["--equation", "age"], "there is no '= number'"),
        (["--save", "model.txt"], "the name must end in .npz, .json"),
    ],
)
def test_mistakes_are_told_in_a_line(table, capsys, more, message):
    assert main(["newton", table[2], "--target", "answer", "--drop", "count", *more]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


# -------------------------------------------------------------------------------- demonstration


@pytest.mark.numerical
def test_table_of_the_demonstration(monkeypatch, capsys):
    cases = [cases_newton.demonstration()[0], cases_newton.plate("radiating", 8)]
    monkeypatch.setattr(cases_newton, "demonstration", lambda: cases)
    monkeypatch.setattr(demo_newton, "PATIENCE", 0.2)
    demo_newton.run(1)
    printed = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 100 for line in printed)
    lines = [line for line in printed if line.startswith(("logistic model", "radiating plate"))]
    assert len(lines) == 2
    for line, case in zip(lines, cases, strict=True):
        assert f"{case.n} x {case.m}" in line
        ours = float(line.split(f"{case.n} x {case.m}")[1].split()[0])
        assert ours <= 1.1e-8


@pytest.mark.numerical
@pytest.mark.parametrize("index", range(2))
def test_violation_of_the_demonstration(index):
    """At Cycloid's solution, with its own multipliers, no larger; elsewhere, large."""
    case = cases_newton.demonstration()[index]
    solved = demo_newton._cycloid(case, 1)
    assert case.violation(solved.x) <= 1e-8
    assert case.violation(solved.x + 1e-3) > 1e-4


def test_derivatives_of_the_demonstration():
    for case in (cases_newton.demonstration()[0], cases_newton.plate("radiating", 4)):
        given, constraint = case.arguments, case.arguments["constraints"]
        rng = np.random.default_rng(0)
        x, v = rng.standard_normal((2, case.n))
        y, h = rng.standard_normal(case.m), 1e-6
        pairs = [
            (given["jac"](x) @ v, given["fun"]),
            (given["hess"](x) @ v, given["jac"]),
            (constraint.jac(x) @ v, constraint.fun),
            (constraint.hess(x, y) @ v, lambda p, c=constraint, y=y: c.jac(p).T @ y),
        ]
        for exact, function in pairs:
            difference = (function(x + h * v) - function(x - h * v)) / (2 * h)
            assert_allclose(exact, difference, rtol=1e-6, atol=1e-5)
