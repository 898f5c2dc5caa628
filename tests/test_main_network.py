"""The command `relu`: its numbers, the files that it saves, and its messages."""

import importlib.util
import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import dump_svmlight_file, make_moons
from sklearn.preprocessing import StandardScaler

from cycloid._cli.main import main
from cycloid.neural_network import ConvexReLUClassifier, ConvexReLURegressor


@pytest.fixture
def moons(tmp_path):
    """(X, labels), and a csv of them with a column of weights and one of text."""
    X, y = make_moons(60, noise=0.1, random_state=0)
    X = X * [10.0, 0.1] + [100.0, -3.0]
    labels = np.where(y == 1, "inner", "outer")
    rows = ["width,height,shape,note,count"]
    rows += [f"{a!r},{b!r},{c},text,1" for (a, b), c in zip(X.tolist(), labels, strict=True)]
    path = tmp_path / "moons.csv"
    path.write_text("\n".join(rows))
    return X, labels, str(path)


def outputs(saved, X):
    hidden = np.maximum(X @ saved["hidden_coef"] + saved["hidden_intercept"], 0)
    return hidden @ saved["output_coef"] + saved["output_intercept"]


@pytest.mark.numerical
def test_classes_by_name(moons, tmp_path, capsys):
    X, labels, path = moons
    out = str(tmp_path / "network.npz")
    arguments = ["relu", path, "--target", "shape", "--drop", "note", "--drop", "count"]
    assert main([*arguments, "--alpha", "0.001", "--save", out]) == 0
    with np.load(out) as file:
        saved = dict(file)
    assert list(saved["feature_names"]) == ["width", "height"]
    assert list(saved["classes"]) == ["inner", "outer"]
    model = ConvexReLUClassifier(alpha=1e-3, random_state=0)
    scaled = StandardScaler().fit_transform(X)
    model.fit(scaled, labels)
    # The saved network is for the features as they are in the file.
    assert_allclose(outputs(saved, X)[:, 0], model.decision_function(scaled), atol=1e-8)
    assert saved["objective"] == pytest.approx(model.result_.objective, rel=1e-12)
    assert saved["training_score"] == model.score(scaled, labels) == 1
    printed = capsys.readouterr().out
    for word in ("60 samples x 2 features", "2 classes (inner, outer)", "log_loss, alpha 0.001"):
        assert word in printed
    for word in ("objective", "lower bound", "gap", "CONVERGED", "1.0000 on 60 training samples"):
        assert word in printed
    assert f"saved: {out}" in printed


@pytest.mark.numerical
def test_numbers_held_out_and_robust(tmp_path, capsys):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 2))
    y = 1e3 * np.abs(X[:, 0]) + 7
    np.savez(tmp_path / "data.npz", X=X, y=y)
    out = str(tmp_path / "network.json")
    arguments = ["relu", str(tmp_path / "data.npz"), "--raw", "--alpha", "0.001"]
    assert main([*arguments, "--test", "0.25", "--save", out]) == 0
    with open(out) as file:
        saved = json.load(file)
    assert saved["loss"] == "squared_error"
    assert saved["held_out_score"] > 0.95
    assert saved["lower_bound"] <= saved["objective"]
    assert "on 20 held-out samples" in capsys.readouterr().out
    np.savez(tmp_path / "data.npz", X=X[:24], y=y[:24])
    assert main([*arguments, "--alpha", "0.05", "--radius", "0.05"]) == 0
    printed = capsys.readouterr().out
    assert "of the worst inputs within 0.05 (linf)" in printed
    assert "of these patterns" in printed


@pytest.mark.numerical
def test_robust_classes_from_sparse_text_with_weights(tmp_path, capsys):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((40, 2))
    y = (X[:, 0] > 0).astype(int)
    dump_svmlight_file(X, y, str(tmp_path / "data.svm"), zero_based=False)
    arguments = ["relu", str(tmp_path / "data.svm"), "--radius", "0.1", "--loss", "hinge"]
    code = main([*arguments, "--alpha", "0.1"])
    assert code == 0
    printed = capsys.readouterr().out
    assert "standard deviations (linf)" in printed
    assert "certified" in printed
    np.savez(tmp_path / "w.npz", X=X, y=y, w=np.repeat([0.0, 1.0], 20))
    assert main(["relu", str(tmp_path / "w.npz"), "--weights", "w", "--task", "regress"]) == 0
    model = ConvexReLURegressor(random_state=0)
    model.fit(StandardScaler().fit_transform(X[20:]), y[20:])
    assert f"{model.result_.objective:.6g}"[:6] in capsys.readouterr().out


@pytest.mark.skipif(importlib.util.find_spec("onnx") is None, reason="onnx is not installed")
def test_onnx(moons, tmp_path):
    import onnx
    from onnx.reference import ReferenceEvaluator

    X, labels, path = moons
    out = str(tmp_path / "network.onnx")
    arguments = ["relu", path, "--target", "shape", "--drop", "note", "--alpha", "0.001"]
    assert main([*arguments, "--save", out]) == 0
    features = np.column_stack([X, np.ones(len(X))])
    values = ReferenceEvaluator(onnx.load(out)).run(None, {"X": features})[0][:, 0]
    assert np.mean((values > 0) == (labels == "outer")) > 0.95


def test_an_unfinished_network_is_printed_and_gives_1(moons, capsys):
    _, _, path = moons
    arguments = ["relu", path, "--target", "shape", "--drop", "note", "--tol", "1e-12"]
    assert main([*arguments, "--max-iter", "1", "--alpha", "1e-5"]) == 1
    out, err = capsys.readouterr()
    assert "lower bound" in out
    assert "warning: " in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "regress"], "--task regress needs numbers"),
        (["--loss", "huber"], "loss must be one of"),
        (["--save", "network.txt"], "the name must end in .npz, .json, .onnx"),
        (["--radius", "0.1", "--task", "classify", "--loss", "log"], "loss must be one of"),
        (["--test", "1"], "moons.csv: "),
        (["--drop", "nothing"], "nothing"),
    ],
)
def test_mistakes_are_told_in_one_line(moons, capsys, arguments, message):
    _, _, path = moons
    assert main(["relu", path, "--target", "shape", "--drop", "note", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_help(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["relu", "--help"])
    assert "--radius" in capsys.readouterr().out
