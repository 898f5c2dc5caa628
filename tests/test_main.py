"""The command line: each command on small files, its numbers, saved files and messages.

One file, for its commands share their options, and the tests the files that they read.
"""

import csv
import dataclasses
import inspect
import json
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.datasets import dump_svmlight_file, load_diabetes
from sklearn.linear_model import ElasticNet, Lasso, LassoCV, LogisticRegression, enet_path
from sklearn.model_selection import KFold

from cycloid._cli import cases, cases_newton, cases_transport, demo, plot
from cycloid._cli.certificate import Problem, relative_gap
from cycloid._cli.main import main
from cycloid._cli.peer import Peer, Solution
from cycloid._cli.read import read

EXACT = {"tol": 1e-13, "max_iter": 100_000}


@pytest.fixture(scope="module")
def data():
    X, y = load_diabetes(return_X_y=True)
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    return X * 20, (y - 150) / 50, weights


@pytest.fixture
def table(tmp_path, data):
    """A csv with a quoted header; the target is in the middle and the weights are last."""
    X, y, weights = data
    file = tmp_path / "table.csv"
    with open(file, "w", newline="") as stream:
        writer = csv.writer(stream)
        names = [f"f{j}" for j in range(X.shape[1])]
        names[3] = "blood pressure, mean"
        writer.writerow([*names[:4], "progression", *names[4:], "count"])
        for x, target, weight in zip(X.tolist(), y.tolist(), weights.tolist(), strict=True):
            writer.writerow([*x[:4], target, *x[4:], weight])
    return str(file)


@pytest.fixture
def archive(tmp_path, data):
    X, y, weights = data
    file = tmp_path / "archive.npz"
    np.savez(file, X=X, y=y, sign=np.where(y > 0, "yes", "no"), weights=weights)
    return str(file)


@pytest.fixture(scope="module")
def sparse_data():
    rng = np.random.default_rng(1)
    X = sparse.csr_array(sparse.random(80, 120, density=0.1, random_state=1))
    y = X[:, :5].sum(axis=1) + 0.01 * rng.standard_normal(80)
    return X, np.asarray(y).ravel()


def solved(path):
    with np.load(path) as file:
        return dict(file)


def l1_logistic(**options):
    """An L1 logistic regression of scikit-learn, before and after its 1.8."""
    old = inspect.signature(LogisticRegression).parameters["penalty"].default == "l2"
    return LogisticRegression(**({"penalty": "l1"} if old else {"l1_ratio": 1.0}), **options)


# ---------------------------------------------------------------------------- the numbers


@pytest.mark.numerical
def test_lasso_csv(table, data, tmp_path, capsys):
    out = str(tmp_path / "out.json")
    assert main(["lasso", table, "--target", "progression", "--weights", "count", "--alpha", "0.05",
                 "--tol", "1e-14", "--save", out]) == 0  # fmt: skip
    X, y, weights = data
    peer = Lasso(alpha=0.05, **EXACT).fit(X, y, sample_weight=weights)
    with open(out) as file:
        saved = json.load(file)
    (solution,) = saved["solutions"]
    names = [f"f{j}" if j != 3 else "blood pressure, mean" for j in range(10)]
    expected = {name: c for name, c in zip(names, peer.coef_, strict=True) if c != 0}
    assert solution["coefficients"] == pytest.approx(expected, rel=1e-8)
    assert solution["intercept"] == pytest.approx(peer.intercept_, rel=1e-8)
    assert solution["status"] == "CONVERGED"
    assert solution["gap"] <= saved["tolerance"] == pytest.approx(1e-14 * saved["null_objective"])
    assert solution["explained"] == pytest.approx(peer.score(X, y, weights), rel=1e-8)
    assert (saved["n_samples"], saved["n_features"], saved["target"]) == (*X.shape, "progression")
    printed = capsys.readouterr().out
    assert "442 samples x 10 features" in printed
    assert "blood pressure, mean" in printed
    assert "the tolerance was reached" in printed


@pytest.mark.numerical
def test_enet_path_npz(archive, data, tmp_path):
    out = str(tmp_path / "out.npz")
    assert main(["enet", archive, "--path", "7", "--eps", "0.01", "--l1-ratio", "0.7",
                 "--no-intercept", "--tol", "1e-14", "--save", out]) == 0  # fmt: skip
    X, y, _ = data
    saved = solved(out)
    _, coefs, _ = enet_path(X, y, l1_ratio=0.7, alphas=saved["alphas"], **EXACT)
    assert_allclose(saved["coefs"], coefs, rtol=1e-7, atol=1e-12)
    assert saved["alphas"][0] == pytest.approx(np.abs(X.T @ y).max() / len(y) / 0.7)
    assert saved["alphas"][-1] == pytest.approx(0.01 * saved["alphas"][0])
    assert not saved["intercepts"].any()
    assert (saved["statuses"] == "CONVERGED").all()


@pytest.mark.numerical
def test_positive_and_standardize(archive, data, tmp_path):
    out = str(tmp_path / "out.npz")
    assert main(["enet", archive, "--alpha", "0.1", "--positive", "--standardize", "--tol", "1e-14",
                 "--weights", "weights", "--save", out]) == 0  # fmt: skip
    X, y, weights = data
    mean = np.average(X, axis=0, weights=weights)
    scale = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
    peer = ElasticNet(alpha=0.1, positive=True, **EXACT).fit(X / scale, y, sample_weight=weights)
    assert_allclose(solved(out)["coefs"][:, 0], peer.coef_ / scale, rtol=1e-6, atol=1e-12)


@pytest.mark.numerical
def test_standardize_sparse(tmp_path, sparse_data):
    X, y = sparse_data
    file, out = str(tmp_path / "parts.npz"), str(tmp_path / "out.npz")
    np.savez(file, data=X.data, indices=X.indices, indptr=X.indptr, shape=X.shape, y=y)
    assert main(["lasso", file, "--alpha", "0.01", "--standardize", "--tol", "1e-14",
                 "--save", out]) == 0  # fmt: skip
    scale = X.toarray().std(axis=0)
    scale[scale == 0] = 1
    peer = Lasso(alpha=0.01, **EXACT).fit(X.toarray() / scale, y)
    assert_allclose(solved(out)["coefs"][:, 0], peer.coef_ / scale, rtol=1e-7, atol=1e-12)


@pytest.mark.numerical
def test_lasso_cross_validation(archive, data, tmp_path, capsys):
    out = str(tmp_path / "out.npz")
    assert main(["lasso", archive, "--cv", "4", "--path", "30", "--tol", "1e-12",
                 "--save", out]) == 0  # fmt: skip
    X, y, _ = data
    saved = solved(out)
    folds = KFold(4, shuffle=True, random_state=0)
    peer = LassoCV(alphas=saved["alphas"], cv=folds, **EXACT).fit(X, y)
    k = int(saved["reported"])
    assert saved["alphas"][k] == pytest.approx(peer.alpha_)
    assert_allclose(2 * saved["held_out_losses"], peer.mse_path_, rtol=1e-6)
    assert_allclose(saved["coefs"][:, k], peer.coef_, rtol=1e-5, atol=1e-8)
    assert "<- chosen" in capsys.readouterr().out


@pytest.mark.numerical
def test_logistic_with_named_classes(archive, data, tmp_path, capsys):
    out = str(tmp_path / "out.npz")
    assert main(["logistic", archive, "--target", "sign", "--alpha", "0.02", "--no-intercept",
                 "--tol", "1e-13", "--save", out]) == 0  # fmt: skip
    X, y, _ = data
    peer = l1_logistic(solver="liblinear", fit_intercept=False, C=1 / (0.02 * len(y)), **EXACT)
    peer.fit(X, y > 0)
    saved = solved(out)
    assert saved["classes"].tolist() == ["no", "yes"]
    assert_allclose(saved["coefs"][:, 0], peer.coef_[0], rtol=1e-5, atol=1e-8)
    assert "yes" in capsys.readouterr().out


@pytest.mark.numerical
def test_logistic_cross_validation(archive, data, tmp_path):
    out = str(tmp_path / "out.json")
    assert main(["logistic", archive, "--target", "sign", "--cv", "3", "--path", "12",
                 "--eps", "0.01", "--save", out]) == 0  # fmt: skip
    with open(out) as file:
        saved = json.load(file)
    losses = [solution["held_out_loss"] for solution in saved["solutions"]]
    assert saved["reported"] == int(np.argmin(losses))
    assert losses[saved["reported"]] < 0.65 < np.log(2) + 0.01  # better than a coin
    X, y, _ = data
    problem = Problem(X, np.where(y > 0, 1.0, -1.0), "logistic", fit_intercept=True)
    solution = saved["solutions"][saved["reported"]]
    coef = np.zeros(X.shape[1])
    for name, value in solution["coefficients"].items():
        coef[int(name[2:-1])] = value
    assert relative_gap(problem, solution["alpha"], coef, solution["intercept"]) <= 1.01e-8


@pytest.mark.numerical
def test_svmlight(tmp_path, sparse_data):
    X, y = sparse_data
    file, out = str(tmp_path / "data.svm"), str(tmp_path / "out.csv")
    dump_svmlight_file(sparse.csr_matrix(X), y, file)
    assert main(["lasso", file, "--alpha", "0.01", "--tol", "1e-13", "--save", out]) == 0
    peer = Lasso(alpha=0.01, **EXACT).fit(X.toarray(), y)
    with open(out, newline="") as stream:
        header, intercept, *rows = csv.reader(stream)
    assert header == ["alpha", "feature", "coefficient"]
    assert intercept[1] == "(intercept)"
    assert float(intercept[2]) == pytest.approx(peer.intercept_, rel=1e-6)
    expected = {f"x[{j}]": peer.coef_[j] for j in np.flatnonzero(peer.coef_)}
    assert {row[1]: float(row[2]) for row in rows} == pytest.approx(expected, rel=1e-6)


def test_csv_of_a_cross_validation_has_one_solution(archive, tmp_path):
    out = str(tmp_path / "out.csv")
    assert main(["lasso", archive, "--cv", "2", "--path", "5", "--save", out]) == 0
    with open(out, newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len({row["alpha"] for row in rows}) == 1


def test_unfinished_solve(tmp_path, capsys, sparse_data):
    X, y = sparse_data
    file, out = str(tmp_path / "data.npz"), str(tmp_path / "out.json")
    np.savez(file, X=X.toarray(), y=y)
    assert main(["lasso", file, "--max-iter", "1", "--tol", "0", "--save", out]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("warning: ")
    assert "support" in captured.out
    with open(out) as stream:
        statuses = {solution["status"] for solution in json.load(stream)["solutions"]}
    assert "MAX_ITER" in statuses


@pytest.mark.parametrize("options", [["--path", "9"], ["--cv", "3"]])
@pytest.mark.parametrize("model", ["lasso", "logistic"])
def test_time_limit(archive, capsys, model, options):
    """What is reached is reported; or that nothing is, if the first solution takes longer."""
    target = ["--target", "sign"] if model == "logistic" else []
    code = main([model, archive, *target, *options, "--time-limit", "1e-9"])
    captured = capsys.readouterr()
    assert code in (1, 2)
    assert ("support" in captured.out) == (code == 1)
    assert "Traceback" not in captured.err
    if code == 2:
        assert "--time-limit" in captured.err


# ---------------------------------------------------------------------------- reading


def write(tmp_path, text, name="data.csv"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_csv_without_header(tmp_path):
    dataset = read(write(tmp_path, "1,2,3\n4,5,6\n\n7,8,10\n"))
    assert dataset.X.tolist() == [[1, 2], [4, 5], [7, 8]]
    assert dataset.y.tolist() == [3, 6, 10]
    assert list(dataset.names) == ["x[0]", "x[1]"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_separators_and_byte_order_mark(tmp_path, separator):
    text = "\ufeffage;y;'w'\n1;2;3\n4;5;6\n".replace(";", separator)
    dataset = read(write(tmp_path, text), drop=["'w'"])
    assert list(dataset.names) == ["age"]
    assert dataset.y.tolist() == [2, 5]


def test_csv_of_numbers_and_class_names_has_no_header(tmp_path):
    dataset = read(write(tmp_path, "5.1,3.5,setosa\n7.0,3.2,versicolor\n6.3,3.3,setosa\n"))
    assert dataset.X.shape == (3, 2)
    assert dataset.y.tolist() == ["setosa", "versicolor", "setosa"]


def test_csv_header_of_numbers_above_numbers_is_data(tmp_path):
    assert read(write(tmp_path, "2019,2020,y\n1,2,3\n4,5,6\n")).X.shape == (2, 2)


def test_csv_columns_by_index(tmp_path):
    file = write(tmp_path, "a,b,c,d\n1,2,3,4\n5,6,7,8\n")
    dataset = read(file, target="0", weights="-1", drop=["2"])
    assert dataset.names == ["b"]
    assert dataset.y.tolist() == [1, 5]
    assert dataset.weights.tolist() == [4, 8]


def test_npz_of_scipy_and_feature_names(tmp_path, sparse_data):
    X, y = sparse_data
    file = str(tmp_path / "parts.npz")
    sparse.save_npz(file, X.tocsc())
    with np.load(file) as parts:
        np.savez(file, y=y, feature_names=[f"n{j}" for j in range(120)], **dict(parts))
    dataset = read(file)
    assert (dataset.X != X).nnz == 0
    assert dataset.names[119] == "n119"


def test_npz_keeps_float32_and_converts_integers(tmp_path):
    file = str(tmp_path / "f.npz")
    y = np.arange(3.0)
    np.savez(file, X=np.ones((3, 2), np.float32), y=y)
    assert read(file).X.dtype == np.float32
    np.savez(file, X=np.ones((3, 2), np.uint8), y=y)
    assert read(file).X.dtype == np.float64


# ---------------------------------------------------------------------------- mistakes


def fails(capsys, *arguments):
    """Run what must fail and return its one line."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as exit_:
        code = exit_.code
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("a,b,y\n1,2,3\n4,,6\n", [], ["column 'b'", "line 3", "missing value"]),
        ("a,b,y\n1,2,3\n4,NaN,6\n", [], ["column 'b'", "line 3", "missing value"]),
        ("a,b,y\n1,2,3\n4,inf,6\n", [], ["column 'b'", "line 3", "not finite"]),
        ("a,b,y\n1,red,3\n4,blue,6\n", [], ["column 'b'", "line 2", "'red' is not a number"]),
        ("a,b,y\n1,2,3\n4,5\n", [], ["line 3", "2 cells", "3"]),
        ("a,b,y\n1,2,3\n4,5,?\n", [], ["column 'y'", "line 3", "missing value"]),
        ("a,b,y\n1,2,up\n4,5,down\n", [], ["target 'y'", "must be numbers"]),
        ("a,b,y\n1,2,3\n4,5,6\n", ["--target", "z"], ["'z'", "--target", "a, b, y"]),
        ("a,b,y\n1,2,3\n4,5,6\n", ["--target", "7"], ["no column 7", "3 columns"]),
        ("a,a,y\n1,2,3\n4,5,6\n", ["--target", "a"], ["2 columns are named 'a'"]),
        ("a,a,y\n1,2,3\n4,5,6\n", [], ["repeat", "'a'"]),
        ("a,b,y\n1,2,3\n4,5,6\n", ["--weights", "y"], ["same column"]),
        ("a,b,y\n1,2,3\n4,-5,6\n", ["--weights", "b"], ["'b'", "weights", "not negative"]),
        ("y\n1\n2\n", [], ["no feature columns", "'y'"]),
        ("a,y\n", [], ["header", "no rows"]),
        ("", [], ["empty"]),
    ],
)
def test_mistakes_in_csv(tmp_path, capsys, text, options, expected):
    file = write(tmp_path, text)
    message = fails(capsys, "lasso", file, "--alpha", "1", *options)
    assert file in message
    for part in expected:
        assert part in message


@pytest.mark.parametrize(
    ("arrays", "options", "expected"),
    [
        ({"X": np.ones((3, 2))}, [], ["no array 'y'", "holds X"]),
        ({"X": np.ones((3, 2)), "y": np.ones(2)}, [], ["'y' has shape (2,)", "expected (3,)"]),
        ({"X": np.ones(3), "y": np.ones(3)}, [], ["X has 1 dimension"]),
        ({"A": np.ones(3), "y": np.ones(3)}, [], ["no array 'X'", "holds A, y"]),
        ({"X": np.array([[1, np.nan]]), "y": np.ones(1)}, [], ["column 'x[1]'", "NaN"]),
        ({"X": np.ones((2, 2)), "y": np.array([1, np.inf])}, [], ["target 'y'", "infinity"]),
        ({"X": np.ones((2, 2), complex), "y": np.ones(2)}, [], ["'X'", "complex128"]),
        ({"X": np.ones((2, 2), object), "y": np.ones(2)}, [], ["'X'", "Python objects"]),
        ({"X": np.ones((0, 2)), "y": np.ones(0)}, [], ["empty", "0 samples"]),
        ({"X": np.ones((2, 2)), "y": np.ones(2)}, ["--weights", "w"], ["'w'", "--weights"]),
        (
            {"X": np.ones((2, 2)), "y": np.ones(2), "feature_names": np.array(["a"])},
            [],
            ["feature_names has shape (1,)"],
        ),
        (
            {"data": [1.0], "indices": [5], "indptr": [0, 1], "shape": [1, 2], "y": [1.0]},
            [],
            ["csr parts do not fit"],
        ),
    ],
)
def test_mistakes_in_npz(tmp_path, capsys, arrays, options, expected):
    file = tmp_path / "data.npz"
    np.savez(file, **arrays)
    message = fails(capsys, "lasso", file, "--alpha", "1", *options)
    assert str(file) in message
    for part in expected:
        assert part in message


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("data.npz", b"not a zip", "not an npz archive"),
        ("data.svm", b"1 a:b\n", "not an svmlight file"),
        ("data.svm.gz", b"junk", "data.svm.gz"),
        ("data.csv", b"a,b\n\xff\xfe,1\n", "UTF-8"),
        ("data.xls", b"", "unknown kind of file"),
    ],
)
def test_unreadable_files(tmp_path, capsys, name, content, expected):
    file = tmp_path / name
    file.write_bytes(content)
    assert expected in fails(capsys, "lasso", file)


def test_missing_file_and_folder(tmp_path, capsys):
    assert "no such file" in fails(capsys, "lasso", tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder" in fails(capsys, "lasso", tmp_path / "folder.csv")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["lasso", "FILE", "--alpha", "-1"], "--alpha"),
        (["lasso", "FILE", "--alpha", "nan"], "--alpha"),
        (["lasso", "FILE", "--alpha", "1", "--cv", "3"], "not allowed with"),
        (["lasso", "FILE", "--alpha", "1", "--path", "3"], "exclude each other"),
        (["lasso", "FILE", "--l1-ratio", "0.5"], "--l1-ratio"),
        (["enet", "FILE", "--l1-ratio", "1.5"], "<= 1"),
        (["enet", "FILE", "--l1-ratio", "0"], "needs --alpha"),
        (["lasso", "FILE", "--cv", "1"], "integer >= 2"),
        (["lasso", "FILE", "--cv", "1000"], "more folds than samples"),
        (["logistic", "FILE"], "classes"),
        (["logistic", "FILE", "--target", "sign", "--cv", "300"], "smaller class"),
        (["lasso", "FILE", "--save", "out.txt"], ".npz, .csv, .json"),
        (["lasso", "FILE", "--save", "no/such/folder/out.npz"], "no folder"),
        (["lasso", "FILE", "--plot", "out.gif"], ".png"),
        (["lasso", "FILE", "--drop", "x[99]"], "x[99]"),
        (["ridge", "FILE"], "invalid choice"),
        (["lasso"], "FILE"),
    ],
)
def test_mistakes_in_options(archive, capsys, arguments, expected):
    arguments = [archive if argument == "FILE" else argument for argument in arguments]
    assert expected in fails(capsys, *arguments)


# ---------------------------------------------------------------------------- pictures


@pytest.mark.parametrize(
    "options", [["--alpha", "0.1"], ["--alpha", "100"], ["--path", "20"], ["--cv", "3"]]
)
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_pictures(archive, tmp_path, capsys, options, suffix):
    file = tmp_path / f"path.{suffix}"
    assert main(["lasso", archive, *options, "--plot", str(file)]) == 0
    assert f"picture: {file}" in capsys.readouterr().out
    assert file.stat().st_size > 1000


def test_names_beside_curves_do_not_overlap():
    rng = np.random.default_rng(0)
    for size in range(9):
        places = rng.uniform(0.4, 0.5, size)
        moved = plot._spread(places, 0.075)
        assert (np.argsort(moved) == np.argsort(places)).all()
        assert (np.diff(np.sort(moved)) > 0.0749).all()
        assert ((moved >= 0) & (moved <= 1)).all()


def test_picture_without_matplotlib(archive, capsys, monkeypatch):
    monkeypatch.setattr(plot.importlib.util, "find_spec", lambda name: None)
    assert "pip install" in fails(capsys, "lasso", archive, "--plot", "out.png")


# ---------------------------------------------------------------------------- the demonstration


def small(index, **changes):
    case = cases.demonstration()[index]
    return dataclasses.replace(case, alphas=case.alphas[:8], drawn=True, **changes)


@pytest.mark.numerical
def test_demonstration(tmp_path, capsys, monkeypatch):
    chosen = [small(0), small(3), small(6)]
    monkeypatch.setattr(demo, "demonstration", lambda: chosen)
    monkeypatch.setattr(cases_transport, "demonstration", list)
    monkeypatch.setattr(cases_newton, "demonstration", list)
    monkeypatch.setattr(cases_transport, "SAMPLE", 50)
    picture = tmp_path / "paths.png"
    assert main(["demo", "--plot", str(picture), "--threads", "1"]) == 0
    printed = capsys.readouterr().out
    assert str(picture) in printed
    assert picture.stat().st_size > 10_000
    assert (tmp_path / "paths_colors.png").stat().st_size > 10_000
    lines = [line for line in printed.splitlines() if "order" in line and " x " in line]
    assert len(lines) == 3
    for line, case in zip(lines, chosen, strict=True):
        assert line.startswith(case.title)
        assert "order" in line
    assert all(len(line) <= 100 for line in printed.split("picture:")[0].splitlines())


def test_demonstration_without_matplotlib(capsys, monkeypatch):
    monkeypatch.setattr(demo, "demonstration", list)
    monkeypatch.setattr(cases_transport, "demonstration", list)
    monkeypatch.setattr(cases_newton, "demonstration", list)
    monkeypatch.setattr(demo, "missing", lambda: "matplotlib is not installed; remedy: ...")
    assert main(["demo", "--threads", "1"]) == 0
    assert "matplotlib is not installed" in capsys.readouterr().err


@pytest.mark.numerical
@pytest.mark.parametrize("index", range(7))
def test_demonstration_reaches_its_target(index):
    case = cases.demonstration()[index]
    case = dataclasses.replace(case, alphas=case.alphas[: 1 if len(case.alphas) == 1 else 30])
    solution = demo._solve(case, 1)
    assert demo._largest_gap(case, solution) <= demo.TARGET


def test_peer_is_stopped_after_its_time():
    case = small(2)
    peer = Peer(1)
    try:
        peer.load(case)
        assert peer.solve(1e-15, 0.0) is None
        peer.load(small(0))  # starts it again
        assert isinstance(peer.solve(1e-3, 60.0), Solution)
    finally:
        peer.stop()


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_certificate_bounds_the_suboptimality(loss, l1_ratio, fit_intercept):
    """The gap is above the distance to the optimum at any point, and vanishes with it."""
    from cycloid.linear_model import enet_path as squared_path
    from cycloid.linear_model import logistic_path

    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 40))
    y = np.sign(X[:, 0] + rng.standard_normal(30)) + (0.3 if loss == "squared" else 0.0)
    problem = Problem(X, y, loss, l1_ratio, fit_intercept)
    alpha = 0.1 * problem.alpha_max()
    solve = squared_path if loss == "squared" else logistic_path
    path = solve(X, y, alphas=[alpha], l1_ratio=l1_ratio, fit_intercept=fit_intercept, rtol=1e-12)
    coef, intercept = path.coefs[:, 0], path.intercepts[0]
    assert problem.alpha_max() == pytest.approx(path.alpha_max)
    assert problem.null_objective() == pytest.approx(path.null_objective)
    assert abs(relative_gap(problem, alpha, coef, intercept)) < 1e-10
    for distance in (1e-3, 1e-1, 1.0):
        moved = coef + distance * rng.standard_normal(40)
        z = X @ moved + intercept
        losses = (y - z) ** 2 / 2 if loss == "squared" else np.logaddexp(0, -y * z)
        penalty = l1_ratio * np.abs(moved).sum() + (1 - l1_ratio) / 2 * (moved**2).sum()
        objective = losses.mean() + alpha * penalty
        excess = (objective - path.objectives[0]) / path.null_objective
        assert relative_gap(problem, alpha, moved, intercept) >= excess


# ---------------------------------------------------------------------------- the process


def run(*arguments, **options):
    command = [sys.executable, "-m", "cycloid", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def test_help_is_the_documentation():
    for command in ([], ["demo"], ["lasso"], ["enet"], ["logistic"]):
        result = run(*command, "--help")
        assert result.returncode == 0
        assert max(map(len, result.stdout.splitlines())) <= 100
    for word in ("--target", ".npz", "duality gap", "Exit code", "examples"):
        assert word in result.stdout


def test_process(archive, tmp_path):
    result = run("lasso", archive, "--alpha", "0.1", "--save", str(tmp_path / "out.json"))
    assert (result.returncode, result.stderr) == (0, "")
    assert "saved:" in result.stdout
    result = run("lasso", str(tmp_path / "none.npz"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("python -m cycloid: ")
    assert "Traceback" not in result.stderr


def test_closed_pipe(archive):
    command = f"'{sys.executable}' -m cycloid lasso '{archive}' | head -1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert result.stderr == ""
    assert result.stdout.startswith("Lasso")
