"""The command `ot`: its numbers, the files that it reads and saves, and its messages."""

import csv
import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import dump_svmlight_file
from transport_reference import sinkhorn

from cycloid._cli.main import main


@pytest.fixture
def problem(rng):
    return rng.dirichlet(np.ones(12)), rng.dirichlet(np.ones(9)), rng.random((12, 9))


@pytest.fixture
def files(problem, tmp_path):
    """Paths of a.npy, b.npy and M.npy."""
    paths = [tmp_path / f"{name}.npy" for name in ("a", "b", "M")]
    for path, array in zip(paths, problem, strict=True):
        np.save(path, array)
    return [str(path) for path in paths]


@pytest.fixture
def points(rng, tmp_path):
    """Points, and the paths of X.npz and Y.csv; the latter has a text column and masses."""
    X, Y, masses = rng.random((15, 2)), rng.random((8, 2)), rng.uniform(1, 2, 8)
    np.savez(tmp_path / "X.npz", X=X)
    with open(tmp_path / "Y.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["u", "v"], *Y.tolist()])
    with open(tmp_path / "Z.csv", "w", newline="") as file:
        writer = csv.writer(file)
        rows = zip(Y.tolist(), masses.tolist(), strict=True)
        writer.writerows([["name", "u", "count", "v"], *(["p", u, w, v] for (u, v), w in rows)])
    return X, Y, masses, str(tmp_path / "X.npz"), str(tmp_path / "Y.csv"), str(tmp_path / "Z.csv")


def uniform(n):
    return np.full(n, 1 / n)


def saved_plan(path):
    with np.load(path) as file:
        return sparse.load_npz(path).toarray(), dict(file)


# ---------------------------------------------------------------------------- the numbers


@pytest.mark.numerical
@pytest.mark.parametrize("method", ["auto", "sinkhorn", "sns"])
def test_costs_and_masses(problem, files, tmp_path, capsys, method):
    out = str(tmp_path / "plan.npz")
    assert main(["ot", *files, "--reg", "0.05", "--tol", "1e-12", "--method", method,
                 "--save", out]) == 0  # fmt: skip
    a, b, M = problem
    expected, _, _ = sinkhorn(a, b, M, 0.05)
    plan, saved = saved_plan(out)
    assert_allclose(plan, expected.astype(float), atol=1e-10)
    assert_allclose(np.exp((saved["f"][:, None] + saved["g"] - M) / 0.05), plan, atol=1e-10)
    assert saved["transport_cost"] == pytest.approx((plan * M).sum(), rel=1e-6)
    assert saved["violation"] <= 1e-12 == saved["tolerance"]
    assert 0 <= saved["gap"] < 1e-9
    assert saved["dropped"] < 1e-8
    printed = capsys.readouterr().out
    for word in ("12 x 9 costs", "value", "cost", "gap", "violation", "CONVERGED", "time"):
        assert word in printed
    assert f"{saved['transport_cost']:.12g}" in printed
    assert f"saved: {out}" in printed


@pytest.mark.numerical
@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean", "cityblock", "cosine"])
def test_points(points, tmp_path, cost):
    X, Y, _, source, target, _ = points
    out = str(tmp_path / "plan.npz")
    assert main(["ot", "--source", source, "--target", target, "--cost", cost, "--norm", "median",
                 "--reg", "0.1", "--tol", "1e-12", "--save", out]) == 0  # fmt: skip
    M = cdist(X, Y, cost)
    reg = 0.1 * np.median(M)
    plan, saved = saved_plan(out)
    assert saved["reg"] == pytest.approx(reg)
    assert_allclose(plan, sinkhorn(uniform(15), uniform(8), M, reg)[0].astype(float), atol=1e-10)


@pytest.mark.numerical
def test_points_with_masses(points, tmp_path):
    X, Y, masses, _, _, table = points
    out = str(tmp_path / "plan.json")
    rows = str(tmp_path / "rows.csv")
    with open(rows, "w", newline="") as file:
        csv.writer(file).writerows(
            [["name", "u", "count", "v"], *(["q", u, 2.0, v] for u, v in X.tolist())]
        )
    assert main(["ot", "--source", rows, "--target", table, "--weights", "count", "--reg", "0.1",
                 "--tol", "1e-12", "--drop", "name", "--save", out]) == 0  # fmt: skip
    with open(out) as file:
        saved = json.load(file)
    b = masses / masses.sum()
    _, f, g = sinkhorn(uniform(15), b, cdist(X, Y, "sqeuclidean"), 0.1)
    assert_allclose(np.add.outer(saved["f"], saved["g"]), np.add.outer(f, g).astype(float))
    assert (saved["status"], saved["shape"]) == ("CONVERGED", [15, 8])


@pytest.mark.numerical
def test_csv_of_a_plan(problem, files, tmp_path):
    out = str(tmp_path / "plan.csv")
    assert main(["ot", *files, "--reg", "0.05", "--save", out]) == 0
    with open(out, newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["row", "column", "mass"]
    plan = np.zeros((12, 9))
    for i, j, mass in rows:
        plan[int(i), int(j)] = float(mass)
    assert_allclose(plan.sum(axis=1), problem[0], atol=1e-7)
    assert_allclose(plan.sum(axis=0), problem[1], atol=1e-7)


def test_bins_without_mass(files, tmp_path):
    a = np.zeros(12)
    a[:3] = 1 / 3
    np.save(files[0], a)
    out = str(tmp_path / "plan.json")
    assert main(["ot", *files, "--reg", "0.05", "--save", out]) == 0
    with open(out) as file:
        saved = json.load(file)
    assert [value is None for value in saved["f"]] == [False] * 3 + [True] * 9


def test_unfinished_solve(files, tmp_path, capsys):
    out = str(tmp_path / "plan.npz")
    assert main(["ot", *files, "--reg", "0.001", "--max-iter", "1", "--save", out]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("warning: solve: ")
    assert "MAX_ITER" in captured.out
    assert saved_plan(out)[1]["status"] == "MAX_ITER"


def test_verbose(files, capsys):
    assert main(["ot", *files, "--reg", "0.05", "--verbose"]) == 0
    assert "iteration" in capsys.readouterr().out.splitlines()[0]


# ---------------------------------------------------------------------------- reading


def plan_of(arguments, tmp_path):
    out = str(tmp_path / "plan.npz")
    assert main(["ot", *map(str, arguments), "--reg", "0.1", "--save", out]) == 0
    return saved_plan(out)[0]


def test_kinds_of_costs(problem, files, tmp_path):
    a, b, M = problem
    expected = plan_of(files, tmp_path)
    np.savez(tmp_path / "all.npz", a=a, b=b, M=M)
    assert_array_equal(plan_of([tmp_path / "all.npz"], tmp_path), expected)
    np.savez(tmp_path / "alone.npz", whatever=M)
    np.savetxt(tmp_path / "a.csv", a, fmt="%.17g")
    np.savetxt(tmp_path / "b.tsv", b[None], fmt="%.17g", delimiter="\t")
    names = [tmp_path / name for name in ("a.csv", "b.tsv", "alone.npz")]
    assert_array_equal(plan_of(names, tmp_path), expected)
    np.savetxt(tmp_path / "M.csv", M, fmt="%.17g", delimiter=",")
    equal = plan_of([tmp_path / "M.csv"], tmp_path)
    # Stored by columns, so solved by columns.
    assert_allclose(plan_of([files[2]], tmp_path), equal, atol=1e-9)
    assert_allclose(equal.sum(axis=1), 1 / 12, atol=1e-7)


def test_kinds_of_points(points, tmp_path):
    X, Y, _, source, target, _ = points
    expected = plan_of(["--source", source, "--target", target], tmp_path)
    np.save(tmp_path / "Y.npy", Y)
    dump_svmlight_file(X, np.zeros(15), str(tmp_path / "X.svm"))
    sparse.save_npz(tmp_path / "X_sparse.npz", sparse.csr_array(X))
    for first in ("X.svm", "X_sparse.npz"):
        pair = ["--source", tmp_path / first, "--target", tmp_path / "Y.npy"]
        assert_allclose(plan_of(pair, tmp_path), expected, atol=1e-12)


# ---------------------------------------------------------------------------- mistakes


def fails(capsys, *arguments):
    """Run what must fail and return its one line."""
    try:
        code = main(["ot", *map(str, arguments)])
    except SystemExit as exit_:
        code = exit_.code
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["A", "B", "M"], "--reg"),
        (["A", "B", "M", "--reg", "0"], "a number > 0"),
        (["A", "B", "M", "--reg", "nan"], "--reg"),
        (["--reg", "1"], "give COSTS, or A B COSTS"),
        (["A", "B", "--reg", "1"], "give COSTS, or A B COSTS"),
        (["--source", "X", "--reg", "1"], "go together"),
        (["M", "--source", "X", "--target", "Y", "--reg", "1"], "leave no use for"),
        (["M", "--cost", "euclidean", "--reg", "1"], "are about --source"),
        (["M", "--drop", "u", "--reg", "1"], "are about --source"),
        (["M", "--reg", "1", "--method", "newton"], "invalid choice"),
        (["M", "--reg", "1", "--save", "plan.txt"], ".npz, .csv, .json"),
        (["B", "A", "M", "--reg", "1"], "a must have length 12"),
        (["M", "B", "M", "--reg", "1"], "'a' has shape (12, 9), expected (length,)"),
        (["A", "B", "A", "--reg", "1"], "'M' has shape (12,), expected (n, m)"),
        (["M", "--reg", "1e-320"], "reg must be such that"),
        (["--source", "X", "--target", "Z", "--reg", "1"], "'p' is not a number"),
        (["--source", "X", "--target", "Y", "--weights", "w", "--reg", "1"], "no array 'w'"),
        (["--source", "Z", "--target", "Y", "--drop", "name", "--reg", "1"], "no column 'name'"),
        (["--source", "A", "--target", "Y", "--reg", "1"], "'X' has shape (12,)"),
        (["--source", "M", "--target", "Y", "--reg", "1"], "dimension 9"),
        (["--source", "M", "--target", "M", "--weights", "w", "--reg", "1"], "no meaning"),
    ],
)
def test_mistakes_in_options(files, points, capsys, arguments, expected):
    names = dict(zip("ABMXYZ", [*files, *points[3:]], strict=True))
    assert expected in fails(capsys, *(names.get(argument, argument) for argument in arguments))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"a": [0.5, -0.5]}, "a must hold finite non-negative masses"),
        ({"a": [1.0, np.nan]}, "'a' contains NaN or infinity, at index (1)"),
        ({"a": [0.0, 0.0]}, "a must have a positive total"),
        ({"a": [1.0, 1.0]}, "the same total"),
        ({"M": [[0.0, np.inf], [1.0, 1.0]]}, "'M' contains NaN or infinity, at index (0, 1)"),
        ({"M": np.zeros((2, 0))}, "must not be empty"),
        ({"M": [["x"]]}, "'M' has dtype"),
        ({"C": 1.0, "M": None}, "no array 'M'; it holds a, b, C"),
    ],
)
def test_mistakes_in_arrays(tmp_path, capsys, changes, expected):
    arrays = {"a": [0.5, 0.5], "b": [0.5, 0.5], "M": np.eye(2), **changes}
    file = tmp_path / "problem.npz"
    np.savez(file, **{key: value for key, value in arrays.items() if value is not None})
    message = fails(capsys, file, "--reg", "1")
    assert expected in message
    assert str(file) in message


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("M.npy", b"junk", "not an npy file"),
        ("M.npz", b"junk", "not an npz archive"),
        ("M.csv", b"1,2\n3,x\n", "line 2"),
        ("M.svm", b"1 1:2\n", "svmlight"),
        ("M.xls", b"", "expected .npy, .npz"),
    ],
)
def test_unreadable_files(tmp_path, capsys, name, content, expected):
    (tmp_path / name).write_bytes(content)
    assert expected in fails(capsys, tmp_path / name, "--reg", "1")


def test_columns_of_other_names(points, tmp_path, capsys):
    other = tmp_path / "other.csv"
    other.write_text("v,u\n1,2\n")
    message = fails(capsys, "--source", points[4], "--target", other, "--reg", "1")
    assert "(u, v) are not those of" in message


def test_zero_point_and_cosine(points, tmp_path, capsys):
    np.save(tmp_path / "zero.npy", np.zeros((2, 2)))
    message = fails(
        capsys, "--source", tmp_path / "zero.npy", "--target", points[4], "--cost", "cosine",
        "--reg", "1",
    )  # fmt: skip
    assert "points that are zero" in message


def test_norm_of_zero_costs(tmp_path, capsys):
    np.save(tmp_path / "M.npy", np.zeros((2, 2)))
    message = fails(capsys, tmp_path / "M.npy", "--reg", "1", "--norm", "max")
    assert "positive max; got 0" in message


def test_help_fits_the_screen(capsys):
    with pytest.raises(SystemExit):
        main(["ot", "--help"])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 100
    for word in ("--source", ".npz", "certificate", "Exit code", "examples"):
        assert word in printed


def test_costs_offered_are_those_of_the_package():
    from cycloid._cli.options import parser
    from cycloid.ot._measures import COSTS

    for cost in COSTS:
        options = parser().parse_args(["ot", "M.npy", "--reg", "1", "--cost", cost])
        assert options.cost == cost
