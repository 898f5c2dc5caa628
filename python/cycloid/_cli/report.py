"""What a fit prints, and the files into which it is saved."""

import csv
import json
import math
import os
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from cycloid._cli.fit import Fit
from cycloid._cli.plot import Panel
from cycloid._cli.read import Dataset

SAVE_SUFFIXES = (".npz", ".csv", ".json")

_TITLES = {"lasso": "Lasso", "enet": "Elastic net", "logistic": "Logistic regression"}
_ROWS = 12  # of the table of a path
_INTERCEPT = "(intercept)"


def title(fit: Fit) -> str:
    """Name the model and what makes it different from the plain one."""
    request = fit.request
    name = _TITLES[request.model]
    if request.model != "lasso":
        name += f", l1_ratio {request.l1_ratio:g}"
    if request.positive:
        name += ", non-negative"
    if request.standardize:
        name += ", standardized features"
    return name if request.fit_intercept else name + ", no intercept"


def summary(dataset: Dataset, fit: Fit, *, top: int, reading: float) -> str:
    """Return the text for the screen."""
    path, k = fit.path, fit.reported
    lines = [f"{title(fit)}: {dataset.source}", ""]
    facts = [("data", dataset.describe()), ("target", _target_line(dataset, fit))]
    if dataset.weights is not None:
        facts.append(("weights", f"{np.count_nonzero(dataset.weights):,} samples count"))
    if len(path.alphas) > 1:
        lines += [*_facts(facts), "", *_path_table(fit), ""]
        facts = []
    facts += [
        ("alpha", _alpha_line(fit)),
        ("support", f"{_support(fit)[k]:,} of {fit.coefs.shape[0]:,} coefficients are not zero"),
        ("intercept", f"{path.intercepts[k]:.6g}" if fit.request.fit_intercept else "none"),
        ("explained", f"{fit.explained[k]:.4f} of the null model's loss, on these samples"),
        ("objective", f"{path.objectives[k]:.9g}"),
        ("gap", _gap_line(fit)),
        ("time", f"{fit.seconds:.3g} s, and {reading:.3g} s to read the file"),
    ]
    lines += _facts(facts)
    if fit.cross_validation is not None and k == len(path.alphas) - 1 > 0:
        lines += ["", "  The alpha chosen is the last of the path: a smaller --eps looks further."]
    lines += ["", *_coefficient_table(dataset, fit, top)]
    return "\n".join(lines)


def _facts(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return [f"  {name:<11} {text}" for name, text in pairs]


def _target_line(dataset: Dataset, fit: Fit) -> str:
    if fit.classes is None:
        return dataset.target
    negative, positive = fit.classes
    counts = [int(np.sum(dataset.y.astype(str) == name)) for name in fit.classes]
    return f"{dataset.target}: {negative} ({counts[0]:,}) against {positive} ({counts[1]:,})"


def _alpha_line(fit: Fit) -> str:
    alpha = float(fit.path.alphas[fit.reported])
    line = f"{alpha:.6g}"
    if math.isfinite(fit.path.alpha_max) and fit.path.alpha_max > 0:
        line += f" = {alpha / fit.path.alpha_max:.3g} x alpha_max"
    cv = fit.cross_validation
    if cv is not None:
        line += (
            f"; chosen by {cv.losses.shape[1]} folds: held-out loss "
            f"{cv.mean[cv.best]:.5g} +- {cv.standard_error:.2g}"
        )
    return line


def _gap_line(fit: Fit) -> str:
    path, k = fit.path, fit.reported
    status = path.statuses[k]
    gap = max(float(path.gaps[k]), 0.0)
    relative = gap / path.null_objective if path.null_objective > 0 else 0.0
    line = f"{gap:.2e}, {relative:.1e} of the null objective; {status.sentence}"
    return line if status.name == "CONVERGED" else f"{line} ({path.tolerance:.1e})"


def _support(fit: Fit) -> Any:
    return np.diff(fit.coefs.indptr)


def _path_table(fit: Fit) -> list[str]:
    path, cv = fit.path, fit.cross_validation
    header = f"  {'alpha':>11} {'support':>8} {'explained':>10} {'objective':>13} {'gap':>9}"
    lines = [header + (f" {'held-out':>11}" if cv is not None else "")]
    even = np.linspace(0, len(path.alphas) - 1, min(_ROWS, len(path.alphas))).round().astype(int)
    for k in sorted({*even.tolist(), fit.reported}):
        line = (
            f"  {path.alphas[k]:>11.5g} {_support(fit)[k]:>8,} {fit.explained[k]:>10.4f} "
            f"{path.objectives[k]:>13.7g} {max(path.gaps[k], 0.0):>9.1e}"
        )
        if cv is not None:
            line += f" {cv.mean[k]:>11.5g}" + ("  <- chosen" if k == fit.reported else "")
        lines.append(line)
    return lines


def _coefficient_table(dataset: Dataset, fit: Fit, top: int) -> list[str]:
    """The largest coefficients; of standardized features, the largest per standard deviation."""
    start, stop = fit.coefs.indptr[fit.reported : fit.reported + 2]
    indices, values = fit.coefs.indices[start:stop], fit.coefs.data[start:stop]
    if len(values) == 0:
        return ["  every coefficient is zero"]
    scaled = values if fit.scale is None else values * fit.scale[indices]
    order = np.argsort(-np.abs(scaled), kind="stable")[:top]
    both = fit.scale is not None
    lines = [f"  {'coefficient':>13}" + (f" {'x std.dev.':>13}" if both else "") + "  feature"]
    for i in order:
        number = f"  {values[i]:>+13.6g}" + (f" {scaled[i]:>+13.6g}" if both else "")
        lines.append(f"{number}  {dataset.names[indices[i]]}")
    if len(values) > len(order):
        lines.append(f"  {'...':>13}  and {len(values) - len(order):,} more (--top, --save)")
    return lines


def panel(dataset: Dataset, fit: Fit) -> Panel:
    """Return what there is to draw."""
    cv = fit.cross_validation
    n, p = dataset.X.shape
    return Panel(
        title=f"{title(fit)}: {os.path.basename(dataset.source)} ({n:,} x {p:,})",
        alphas=fit.path.alphas,
        coefs=fit.path.coefs,  # as they were penalised
        names=dataset.names,
        quantity="coefficient" if fit.scale is None else "coefficient x std.dev.",
        marked=None if cv is None else float(fit.path.alphas[cv.best]),
        mark="" if cv is None else f"chosen by {cv.losses.shape[1]} folds",
    )


# ---------------------------------------------------------------------------------------------
# files


def save(path: str, dataset: Dataset, fit: Fit) -> None:
    """Write the solutions in the format that the suffix names."""
    suffix = path.lower()[path.rfind(".") :]
    if suffix == ".npz":
        with open(path, "wb") as binary:
            _save_npz(binary, dataset, fit)
        return
    with open(path, "w", newline="", encoding="utf-8") as text:
        if suffix == ".csv":
            _save_csv(text, dataset, fit)
        else:
            json.dump(_as_json(dataset, fit), text, indent=1, allow_nan=False)
            text.write("\n")


def _save_npz(file: IO[bytes], dataset: Dataset, fit: Fit) -> None:
    path = fit.path
    arrays: dict[str, Any] = {
        "alphas": path.alphas,
        "coefs": fit.coefs.toarray(),
        "intercepts": path.intercepts,
        "gaps": path.gaps,
        "objectives": path.objectives,
        "explained": fit.explained,
        "statuses": np.array([status.name for status in path.statuses]),
        "feature_names": np.array(dataset.names, dtype=str),
        "reported": np.array(fit.reported),
    }
    if fit.classes is not None:
        arrays["classes"] = np.array(fit.classes)
    if fit.cross_validation is not None:
        arrays["held_out_losses"] = fit.cross_validation.losses
    np.savez_compressed(file, **arrays)


def _save_csv(file: IO[str], dataset: Dataset, fit: Fit) -> None:
    """One row a coefficient that is not zero, and one for the intercept, at each alpha."""
    writer = csv.writer(file)
    writer.writerow(["alpha", "feature", "coefficient"])
    for k in _saved(fit):
        alpha = repr(float(fit.path.alphas[k]))
        if fit.request.fit_intercept:
            writer.writerow([alpha, _INTERCEPT, repr(float(fit.path.intercepts[k]))])
        for name, value in _non_zeros(dataset, fit, k):
            writer.writerow([alpha, name, repr(value)])


def _as_json(dataset: Dataset, fit: Fit) -> dict[str, Any]:
    request, path, cv = fit.request, fit.path, fit.cross_validation
    n, p = dataset.X.shape
    return {
        "model": request.model,
        "loss": request.loss,
        "l1_ratio": request.l1_ratio,
        "fit_intercept": request.fit_intercept,
        "positive": request.positive,
        "standardize": request.standardize,
        "source": dataset.source,
        "target": dataset.target,
        "classes": None if fit.classes is None else list(fit.classes),
        "n_samples": n,
        "n_features": p,
        "null_objective": path.null_objective,
        "tolerance": path.tolerance,
        "seconds": fit.seconds,
        "reported": fit.reported,
        "solutions": [
            {
                "alpha": float(path.alphas[k]),
                "intercept": float(path.intercepts[k]),
                "coefficients": dict(_non_zeros(dataset, fit, k)),
                "objective": float(path.objectives[k]),
                "gap": _finite(path.gaps[k]),
                "status": path.statuses[k].name,
                "explained": float(fit.explained[k]),
                "held_out_loss": None if cv is None else _finite(cv.mean[k]),
            }
            for k in range(len(path.alphas))
        ],
    }


def _saved(fit: Fit) -> range:
    """A cross-validation is about one solution; the path on the way to it goes to npz and json."""
    if fit.cross_validation is not None:
        return range(fit.reported, fit.reported + 1)
    return range(len(fit.path.alphas))


def _non_zeros(dataset: Dataset, fit: Fit, k: int) -> list[tuple[str, float]]:
    start, stop = fit.coefs.indptr[k : k + 2]
    return [
        (dataset.names[j], float(value))
        for j, value in zip(fit.coefs.indices[start:stop], fit.coefs.data[start:stop], strict=True)
    ]


def _finite(value: float) -> float | None:
    """JSON has no infinity."""
    return float(value) if math.isfinite(value) else None
