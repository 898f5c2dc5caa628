"""The constrained model of a command line: fitted, told on the screen and saved."""

import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.model_selection import train_test_split

from cycloid._cli.equations import equations
from cycloid._cli.errors import InputError
from cycloid._cli.read import Dataset, column_at
from cycloid.linear_model import ConstrainedLogisticRegression, FairLogisticRegression

SAVE_SUFFIXES = (".npz", ".json")

_SHOWN = 12  # equations, and coefficients, that the summary lists


@dataclass(frozen=True)
class Request:
    """What to fit: the options of the command line that change the numbers."""

    equations: tuple[str, ...]
    norm: float | None
    fair: tuple[str, ...]
    criterion: str
    C: float | None
    fit_intercept: bool
    test: float
    tol: float
    max_iter: int
    time_limit: float | None
    seed: int
    n_threads: int | None
    verbose: int


@dataclass(frozen=True)
class Fitted:
    """The model, and its accuracy by the name of the samples.

    ``sides`` are the left sides of the constraints by their text, and what they should be.
    """

    request: Request
    model: Any
    sides: dict[str, tuple[float, float]]
    counts: dict[str, int]
    scores: dict[str, float]
    seconds: float


def fit(dataset: Dataset, request: Request) -> Fitted:
    if request.fair and (request.equations or request.norm is not None):
        raise InputError("--fair excludes --equation and --norm")
    X, y, weights = dataset.X, dataset.y, dataset.weights
    X = X.tocsr() if sparse.issparse(X) else X
    parts = {"training": np.arange(len(y))}
    if request.test > 0:
        split = train_test_split(
            parts["training"], test_size=request.test, random_state=request.seed
        )
        parts = dict(zip(("training", "held-out"), split, strict=True))
    rows = parts["training"]
    model, A, b = _estimator(dataset, request)
    started = time.perf_counter()
    model.fit(X[rows], y[rows], sample_weight=None if weights is None else weights[rows])
    seconds = time.perf_counter() - started
    coef = model.coef_.ravel()
    sides = {
        text: (float(left), float(right))
        for text, left, right in zip(request.equations, A @ coef if len(A) else (), b, strict=True)
    }
    if request.norm is not None:
        sides["|w|"] = float(np.linalg.norm(coef)), request.norm
    for name, covariance in zip(request.fair, getattr(model, "covariances_", ()), strict=False):
        sides[f"covariance with {name}"] = float(covariance), 0.0
    return Fitted(
        request=request,
        model=model,
        sides=sides,
        counts={name: len(part) for name, part in parts.items()},
        scores={name: float(model.score(X[part], y[part])) for name, part in parts.items()},
        seconds=seconds,
    )


def _estimator(
    dataset: Dataset, request: Request
) -> tuple[Any, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    A, b = equations(request.equations, dataset.names, dataset.source)
    unpenalised = request.C is None and request.norm is not None
    options: dict[str, Any] = {
        "C": np.inf if unpenalised else (1.0 if request.C is None else request.C),
        "fit_intercept": request.fit_intercept,
        "tol": request.tol,
        "max_iter": request.max_iter,
        "time_limit": request.time_limit,
        "random_state": request.seed,
        "n_threads": request.n_threads,
        "verbose": request.verbose,
    }
    if request.fair:
        columns = [
            column_at(dataset.names, name, dataset.source, "--fair") for name in request.fair
        ]
        return FairLogisticRegression(columns, request.criterion, **options), A, b
    if len(A):
        options |= {"A": A, "b": b}
    return ConstrainedLogisticRegression(norm=request.norm, **options), A, b


def summary(dataset: Dataset, fitted: Fitted, *, reading: float) -> str:
    """Return the text for the screen."""
    result, model = fitted.model.result_, fitted.model
    classes = ", ".join(str(name) for name in model.classes_[:6])
    facts = [
        ("data", dataset.describe()),
        ("target", f"{dataset.target}: {len(model.classes_)} classes ({classes})"),
        ("objective", f"{result.objective:.9g}"),
        ("violation", f"{result.violation:.2g} of optimality, {result.constraint_violation:.2g} "
                      "of the constraints"),
        ("status", f"{result.status.name}: {result.status.sentence} ({result.tolerance:g})"),
        ("steps", f"{result.n_iter}"),
    ]  # fmt: skip
    for name, value in fitted.scores.items():
        facts.append(("accuracy", f"{value:.4f} on {fitted.counts[name]:,} {name} samples"))
    facts.append(("time", f"{fitted.seconds:.3g} s, and {reading:.3g} s to read the file"))
    lines = [f"Constrained logistic regression: {dataset.source}", ""]
    lines += [f"  {name:<11} {text}" for name, text in facts]
    lines += ["", *_constraint_table(fitted)] if fitted.sides else []
    return "\n".join([*lines, "", *_coefficient_table(dataset, model.coef_)])


def _constraint_table(fitted: Fitted) -> list[str]:
    shown = list(fitted.sides.items())[:_SHOWN]
    width = max(len("constraint"), *(len(text) for text, _ in shown))
    lines = [f"  {'constraint':<{width}} {'left side':>12} {'wanted':>12}"]
    lines += [f"  {text:<{width}} {left:>12.6g} {right:>12.6g}" for text, (left, right) in shown]
    left_out = len(fitted.sides) - len(shown)
    return lines + ([f"  and {left_out} more"] if left_out else [])


def _coefficient_table(dataset: Dataset, coef: Any) -> list[str]:
    """The largest of two classes; of more there are too many."""
    if len(coef) > 1:
        return [f"  {coef.shape[0]} x {coef.shape[1]} coefficients; --save writes them"]
    order = np.argsort(-np.abs(coef[0]), kind="stable")[:_SHOWN]
    lines = [f"  {'coefficient':>12}  feature"]
    return lines + [f"  {coef[0, j]:>12.6g}  {dataset.names[j]}" for j in order]


def save(path: str, dataset: Dataset, fitted: Fitted) -> None:
    """Write the model in the format that the suffix names."""
    model, result = fitted.model, fitted.model.result_
    arrays: dict[str, Any] = {
        "coef": model.coef_,
        "intercept": model.intercept_,
        "multipliers": model.multipliers_,
        "feature_names": np.array(dataset.names, dtype=str),
        "classes": np.array([str(name) for name in model.classes_]),
    }
    numbers: dict[str, Any] = {
        "objective": result.objective,
        "violation": result.violation,
        "constraint_violation": result.constraint_violation,
        "status": result.status.name,
        "seconds": fitted.seconds,
    }
    for name, value in fitted.scores.items():
        numbers[f"{name.replace('-', '_')}_accuracy"] = value
    if path.lower().endswith(".npz"):
        with open(path, "wb") as binary:
            np.savez_compressed(binary, **arrays, **numbers)
        return
    with open(path, "w", encoding="utf-8") as text:
        content = numbers | {name: array.tolist() for name, array in arrays.items()}
        json.dump(content, text, indent=1, allow_nan=False)
        text.write("\n")
