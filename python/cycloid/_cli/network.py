"""The network of a command line: trained, told on the screen and saved."""

import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from cycloid._cli.errors import InputError
from cycloid._cli.read import Dataset
from cycloid.neural_network import ConvexReLUClassifier, ConvexReLURegressor, NetworkResult
from cycloid.neural_network._export import to_onnx

SAVE_SUFFIXES = (".npz", ".json", ".onnx")

_MOST_CLASSES = 20  # whole numbers as targets that are taken for classes
_MOST_ENTRIES = 200_000_000  # of a sparse matrix that is made dense

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Request:
    """What to train: the options of the command line that change the numbers."""

    task: str  # "auto", "classify" or "regress"
    loss: str | None
    alpha: float | None
    patterns: str
    radius: float
    norm: str
    test: float
    raw: bool
    tol: float
    max_iter: int
    time_limit: float | None
    seed: int
    n_threads: int | None
    verbose: int


@dataclass(frozen=True)
class Trained:
    """The network for the features as they are in the file, and how good it is.

    ``scores`` are accuracy or R2 by the name of the samples; ``certified`` the share of samples
    that no input within --radius can make wrong.
    """

    request: Request
    result: NetworkResult
    loss: str
    coefs: tuple[Matrix, Matrix]
    intercepts: tuple[Matrix, Matrix]
    classes: tuple[str, ...] | None
    counts: dict[str, int]
    scores: dict[str, float]
    certified: dict[str, float]
    seconds: float


def train(dataset: Dataset, request: Request) -> Trained:
    """Hold samples out, standardize, train, and return to the file's units."""
    classify = _is_classification(dataset, request)
    X, weights = _dense(dataset), dataset.weights
    y = dataset.y if classify else dataset.y.astype(np.float64)
    parts = {"training": np.arange(len(y))}
    if request.test > 0:
        names = ("training", "held-out")
        split = train_test_split(
            parts["training"], test_size=request.test, random_state=request.seed
        )
        parts = dict(zip(names, split, strict=True))
    rows = parts["training"]
    w = None if weights is None else weights[rows]
    scaler = StandardScaler(with_mean=not request.raw, with_std=not request.raw)
    scaler.fit(X[rows], sample_weight=w)
    scaled = {name: scaler.transform(X[part]) for name, part in parts.items()}
    model = _estimator(request, classify)
    started = time.perf_counter()
    model.fit(scaled["training"], y[rows], sample_weight=w)
    seconds = time.perf_counter() - started
    mean = np.zeros(X.shape[1]) if scaler.mean_ is None else scaler.mean_
    scale = np.ones(X.shape[1]) if scaler.scale_ is None else scaler.scale_
    hidden = model.coefs_[0] / scale[:, None]
    certified = {}
    if classify and request.radius > 0:
        certified = {
            name: model.certified_accuracy(scaled[name], y[part], request.radius, norm=request.norm)
            for name, part in parts.items()
        }
    return Trained(
        request=request,
        result=model.result_,
        loss=model.loss,
        coefs=(hidden, model.coefs_[1]),
        intercepts=(model.intercepts_[0] - mean @ hidden, model.intercepts_[1]),
        classes=tuple(str(name) for name in model.classes_) if classify else None,
        counts={name: len(part) for name, part in parts.items()},
        scores={name: model.score(scaled[name], y[part]) for name, part in parts.items()},
        certified=certified,
        seconds=seconds,
    )


def _estimator(request: Request, classify: bool) -> Any:
    options: dict[str, Any] = {
        "alpha": "auto" if request.alpha is None else request.alpha,
        "patterns": request.patterns,
        "adversarial_radius": request.radius,
        "adversarial_norm": request.norm,
        "tol": request.tol,
        "max_iter": request.max_iter,
        "time_limit": request.time_limit,
        "random_state": request.seed,
        "n_threads": request.n_threads,
        "verbose": request.verbose,
    }
    if request.loss is not None:
        options["loss"] = request.loss
    return ConvexReLUClassifier(**options) if classify else ConvexReLURegressor(**options)


def _is_classification(dataset: Dataset, request: Request) -> bool:
    y = dataset.y
    named = y.dtype.kind in "US"
    if request.task == "regress" and named:
        raise InputError(
            f"{dataset.source}: target '{dataset.target}' holds names, such as '{y[0]}'; "
            "--task regress needs numbers"
        )
    if request.task != "auto":
        return request.task == "classify"
    return named or (
        bool((y == np.round(y)).all()) and len(np.unique(y)) <= min(_MOST_CLASSES, len(y) // 2)
    )


def _dense(dataset: Dataset) -> Matrix:
    X = dataset.X
    if not sparse.issparse(X):
        return np.asarray(X, dtype=np.float64)
    if X.shape[0] * X.shape[1] > _MOST_ENTRIES:
        raise InputError(
            f"{dataset.source}: {X.shape[0]:,} x {X.shape[1]:,} sparse features are too many; a "
            f"network needs them dense, at most {_MOST_ENTRIES:,} numbers"
        )
    return np.asarray(X.toarray(), dtype=np.float64)


def summary(dataset: Dataset, trained: Trained, *, reading: float) -> str:
    """Return the text for the screen."""
    request, result = trained.request, trained.result
    classes = trained.classes
    target = dataset.target
    if classes is not None:
        shown = ", ".join(classes[:6]) + (", ..." if len(classes) > 6 else "")
        target += f": {len(classes)} classes ({shown})"
    bound = f"{result.lower_bound:.9g}"
    if not result.bound_is_rigorous:
        bound += ", of these patterns" if request.radius else ", heuristic"
        if np.isfinite(result.rigorous_bound):
            bound += f"; proved: {result.rigorous_bound:.9g}"
    score = "accuracy" if classes is not None else "R2"
    facts = [
        ("data", dataset.describe()),
        ("target", target),
        ("loss", f"{trained.loss}, alpha {result.alpha:g}"),
        ("network", f"{result.n_neurons:,} neurons, found among {result.n_patterns:,} patterns"),
        ("objective", f"{result.objective:.9g}" + _worst_case(request)),
        ("lower bound", bound),
        (
            "gap",
            f"{result.gap / result.objective:.2%} of the objective" if result.objective else "",
        ),
        ("status", f"{result.status.name}: {result.status.sentence} ({result.tolerance:g})"),
    ]
    for name, value in trained.scores.items():
        facts.append((score, f"{value:.4f} on {trained.counts[name]:,} {name} samples"))
    for name, value in trained.certified.items():
        facts.append(("certified", f"{value:.4f} on {trained.counts[name]:,} {name} samples"))
    facts.append(("time", f"{trained.seconds:.3g} s, and {reading:.3g} s to read the file"))
    lines = [f"Two-layer ReLU network: {dataset.source}", ""]
    return "\n".join(lines + [f"  {name:<11} {text}" for name, text in facts])


def _worst_case(request: Request) -> str:
    if not request.radius:
        return ""
    units = "" if request.raw else " standard deviations"
    return f", of the worst inputs within {request.radius:g}{units} ({request.norm})"


# ---------------------------------------------------------------------------------------------
# files


def save(path: str, dataset: Dataset, trained: Trained) -> None:
    """Write the network in the format that the suffix names."""
    suffix = path.lower()[path.rfind(".") :]
    if suffix == ".onnx":
        with open(path, "wb") as binary:
            binary.write(to_onnx(trained.coefs, trained.intercepts).SerializeToString())
        return
    numbers = _numbers(trained)
    arrays: dict[str, Any] = {
        "hidden_coef": trained.coefs[0],
        "hidden_intercept": trained.intercepts[0],
        "output_coef": trained.coefs[1],
        "output_intercept": trained.intercepts[1],
        "feature_names": np.array(dataset.names, dtype=str),
        "classes": np.array(trained.classes or (), dtype=str),
    }
    if suffix == ".npz":
        with open(path, "wb") as binary:
            np.savez_compressed(binary, **arrays, **numbers)
        return
    with open(path, "w", encoding="utf-8") as text:
        content = numbers | {name: array.tolist() for name, array in arrays.items()}
        json.dump(content, text, indent=1, allow_nan=False)
        text.write("\n")


def _numbers(trained: Trained) -> dict[str, Any]:
    result, request = trained.result, trained.request
    numbers = {
        "loss": trained.loss,
        "alpha": result.alpha,
        "radius": request.radius,
        "norm": request.norm,
        "objective": result.objective,
        "lower_bound": result.lower_bound,
        "bound_is_rigorous": result.bound_is_rigorous,
        "status": result.status.name,
        "seconds": trained.seconds,
    }
    for name, value in trained.scores.items():
        numbers[f"{name.replace('-', '_')}_score"] = value
    return numbers
