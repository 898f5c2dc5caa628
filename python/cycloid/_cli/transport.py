"""The transport problem of a command line: solved, told on the screen and saved."""

import csv
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import sparse

from cycloid._cli.read_transport import Problem
from cycloid.ot import TransportResult, solve

SAVE_SUFFIXES = (".npz", ".csv", ".json")


@dataclass(frozen=True)
class Request:
    """How to solve: the options of the command line that change the numbers."""

    reg: float
    norm: str | None
    method: Literal["auto", "sinkhorn", "sns"]
    tol: float
    max_iter: int
    time_limit: float | None
    n_threads: int | None
    verbose: int


@dataclass(frozen=True)
class Transport:
    """The result, its plan without the entries that do not matter, and the wall-clock time."""

    problem: Problem
    request: Request
    result: TransportResult
    plan: sparse.csr_array
    dropped: float
    cost_scale: float
    seconds: float


def transport(problem: Problem, request: Request) -> Transport:
    """Solve; with a norm, `reg` is a multiple of the costs' median or maximum."""
    scale = _scale(problem.M, request.norm)
    started = time.perf_counter()
    result = solve(
        problem.a,
        problem.b,
        problem.M,
        request.reg * scale,
        method=request.method,
        tol=request.tol,
        max_iter=request.max_iter,
        time_limit=request.time_limit,
        n_threads=request.n_threads,
        verbose=request.verbose,
    )
    seconds = time.perf_counter() - started
    plan, dropped = result.plan_sparse()
    return Transport(problem, request, result, plan, dropped, scale, seconds)


def _scale(M: Any, norm: str | None) -> float:
    if norm is None:
        return 1.0
    scale = float(np.median(M) if norm == "median" else np.max(M))
    if not scale > 0:
        raise ValueError(f"--norm {norm} needs costs with a positive {norm}; got {scale:g}")
    return scale


def summary(solved: Transport, *, reading: float) -> str:
    """Return the text for the screen."""
    problem, result, plan = solved.problem, solved.result, solved.plan
    n, m = problem.M.shape
    lines = [f"Entropic optimal transport: {problem.source}", ""]
    facts = [
        ("problem", f"{n:,} x {m:,} {problem.kind}"),
        ("rows", _masses(problem.a, n)),
        ("columns", _masses(problem.b, m)),
        ("reg", _reg_line(solved)),
        ("value", f"{result.value:.12g}, the entropy included"),
        ("cost", f"{result.transport_cost:.12g} of the transport alone"),
        ("gap", f"{max(result.gap, 0.0):.2e}: no plan has a value lower by more than it"),
        ("violation", f"{result.violation:.1e} of the mass, in both marginals together"),
        ("status", _status_line(result)),
        (
            "plan",
            f"{plan.nnz:,} of {n * m:,} entries hold all but {solved.dropped:.1e} of the mass",
        ),
        ("work", f"{result.n_iter:,} iterations, {result.n_passes:,} passes over the costs"),
        ("time", f"{solved.seconds:.3g} s, and {reading:.3g} s to read the files"),
    ]
    return "\n".join(lines + [f"  {name:<11} {text}" for name, text in facts])


def _masses(masses: Any, length: int) -> str:
    if masses is None:
        return f"{length:,} equal masses of total 1"
    return f"{np.count_nonzero(masses):,} masses of total {float(np.sum(masses)):.6g}"


def _reg_line(solved: Transport) -> str:
    reg, norm = solved.result.reg, solved.request.norm
    if norm is None:
        return f"{reg:.6g}"
    return f"{reg:.6g} = {solved.request.reg:g} x {norm} of the costs"


def _status_line(result: TransportResult) -> str:
    return f"{result.status.name}: {result.status.sentence} ({result.tolerance:.1e})"


# ---------------------------------------------------------------------------------------------
# files


def save(path: str, solved: Transport) -> None:
    """Write potentials, plan and certificate in the format that the suffix names."""
    suffix = path.lower()[path.rfind(".") :]
    if suffix == ".npz":
        with open(path, "wb") as binary:
            np.savez_compressed(binary, **_arrays(solved))
        return
    with open(path, "w", newline="", encoding="utf-8") as text:
        if suffix == ".csv":
            writer = csv.writer(text)
            writer.writerow(["row", "column", "mass"])
            writer.writerows(_entries(solved))
        else:
            json.dump(_as_json(solved), text, indent=1, allow_nan=False)
            text.write("\n")


def _arrays(solved: Transport) -> dict[str, Any]:
    """The plan under the names that ``scipy.sparse.load_npz`` knows, and beside it all else."""
    plan, result = solved.plan, solved.result
    return {
        "format": np.array(b"csr"),
        "shape": np.array(plan.shape),
        "data": plan.data,
        "indices": plan.indices,
        "indptr": plan.indptr,
        "dropped": np.array(solved.dropped),
        "f": result.f,
        "g": result.g,
        "status": np.array(result.status.name),
        **{name: np.array(value) for name, value in _certificate(solved).items()},
    }


def _certificate(solved: Transport) -> dict[str, float]:
    result = solved.result
    return {
        "reg": result.reg,
        "value": result.value,
        "transport_cost": result.transport_cost,
        "dual_value": result.dual_value,
        "gap": result.gap,
        "violation": result.violation,
        "tolerance": result.tolerance,
        "n_iter": result.n_iter,
        "n_passes": result.n_passes,
        "seconds": solved.seconds,
    }


def _entries(solved: Transport) -> list[tuple[int, int, str]]:
    coo = solved.plan.tocoo()
    entries = zip(coo.row.tolist(), coo.col.tolist(), coo.data.tolist(), strict=True)
    return [(row, column, repr(mass)) for row, column, mass in entries]


def _as_json(solved: Transport) -> dict[str, Any]:
    result = solved.result
    return {
        "source": solved.problem.source,
        "shape": list(solved.plan.shape),
        "status": result.status.name,
        **{name: _finite(value) for name, value in _certificate(solved).items()},
        "f": _all_finite(result.f),
        "g": _all_finite(result.g),
    }


def _finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if math.isfinite(value) else None


def _all_finite(values: Any) -> Sequence[float | None]:
    return [_finite(value) for value in values.tolist()]
