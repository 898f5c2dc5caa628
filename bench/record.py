"""Measurements as files: what a table run stores, and under which conditions it was measured."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from bench.cell import Cell, Run

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "celer",
    "skglm",
    "adelie",
    "liblinear-official",
    "snapml",
    "numba",
    "pot",
    "ott-jax",
    "jax",
    "geomloss",
    "regot",
    "mdot-tnt",
    "torch",
    "cycloid",
)


@dataclass
class Record:
    """``meta`` says where and how; ``calibration`` lets another machine's seconds be compared."""

    meta: dict = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def load(path: Path) -> Record:
    stored = json.loads(path.read_text())
    cells = [
        Cell(**{**c, "targets": {k: Run(**r) for k, r in c["targets"].items()}})
        for c in stored["cells"]
    ]
    return Record(stored["meta"], cells)


def conditions(threads: int) -> dict:
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": dict(_versions(PACKAGES)),
        "threads": threads,
        "calibration": calibrate(),
    }


def calibrate(repeats: int = 7) -> float:
    """CPU seconds of a fixed piece of work much like a solver's: products with a matrix larger
    than the caches, gathers, and a dense factorization."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1_000, 4_000))
    places = rng.integers(0, X.size, size=1_000_000)
    gram = X[:, :500].T @ X[:, :500]
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(4):
            v = X.T @ (X @ np.ones(X.shape[1]))
        v[0] += X.ravel()[places].sum()
        np.linalg.cholesky(gram)
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def _versions(packages: Iterable[str]) -> Iterable[tuple[str, str]]:
    for package in packages:
        try:
            yield package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
