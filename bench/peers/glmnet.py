"""glmnet, in R: one R process holds the data and times its own fits.

glmnet's elastic net depends on the scale of y, so y is divided by its root mean square (which is 1
then, as glmnet's own scaling finds) and the penalty translated; coefficients are scaled back.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import sparse

from bench.linear import Problem
from bench.peers.base import Peer, Solution, path_to

SCRIPT = Path(__file__).with_suffix(".R")


class Session(NamedTuple):
    problem: Problem
    process: subprocess.Popen
    folder: tempfile.TemporaryDirectory
    unit: float
    n_alphas: int
    kept: int


@functools.cache
def reason() -> str:
    if shutil.which("Rscript") is None:
        return "no Rscript"
    found = subprocess.run(["Rscript", "-e", "library(glmnet)"], capture_output=True)
    return "" if found.returncode == 0 else "R has no glmnet"


def prepare(problem: Problem, n_threads: int) -> Session:
    logistic = problem.loss == "logistic"
    unit = 1.0 if logistic else float(np.sqrt(np.mean(problem.y**2)))
    alphas = path_to(problem)
    # |b| -> |b / unit| divides the l1 part by unit once more than the ridge part
    a1, a2 = alphas * problem.l1_ratio / unit, alphas * (1.0 - problem.l1_ratio)
    kept = len(problem.alphas)
    stored = problem.X.nnz if problem.is_sparse else 0
    n, p = problem.X.shape
    folder = tempfile.TemporaryDirectory()
    files = {
        "size": [n, p, stored, len(alphas), kept, a1[0] / (a1[0] + a2[0]), logistic],
        "y": (problem.y > 0) if logistic else problem.y / unit,
        "lambda": a1 + a2,
    }
    for name, values in files.items():
        np.asarray(values, dtype=np.float64).tofile(Path(folder.name, name))
    _write_matrix(problem.X, Path(folder.name))
    process = subprocess.Popen(
        ["Rscript", str(SCRIPT), folder.name],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    session = Session(problem, process, folder, unit, len(alphas), kept)
    _read_line(session)
    return session


def solve(session: Session, tol: float) -> Solution:
    session.process.stdin.write(f"{tol:.17g}\n")
    session.process.stdin.flush()
    found, wall, cpu = map(float, _read_line(session).split())
    p = session.problem.X.shape[1]
    if int(found) != session.n_alphas:
        raise RuntimeError(f"glmnet returned {int(found)} of {session.n_alphas} values")
    pattern = np.fromfile(Path(session.folder.name, "pattern"), dtype=np.int32)
    values = np.fromfile(Path(session.folder.name, "values"))
    indptr, indices = np.split(pattern, [session.kept + 1])
    coef = sparse.csc_matrix((values * session.unit, indices, indptr), shape=(p, session.kept))
    return Solution(coef, seconds=(wall, cpu))


def close(session: Session) -> None:
    session.process.stdin.close()
    session.process.wait(timeout=60)
    session.folder.cleanup()


def _read_line(session: Session) -> str:
    line = session.process.stdout.readline()
    if not line:
        raise RuntimeError("the R process ended")
    return line


def _write_matrix(X, folder: Path) -> None:
    if sparse.issparse(X):
        X.data.tofile(folder / "X")
        X.indices.astype(np.int32).tofile(folder / "indices")
        X.indptr.astype(np.int32).tofile(folder / "indptr")
    else:
        X.ravel(order="F").tofile(folder / "X")


PEERS = [Peer("glmnet", lambda problem: problem.l1_ratio > 0.0, prepare, solve, reason, close)]
