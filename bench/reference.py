"""High-accuracy dual values, computed once a problem and kept in references.json.

A coordinate-descent solution of scikit-learn is polished by Newton steps on its support (inner
solves by conjugate gradients) or, for a few collinear columns, by an active-set method. What is
stored is only a lower bound of the optimum, certified by ``objective``; whoever computed it cannot
bias the table.

    python -m bench.reference [problem ...]
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import sparse, special
from scipy.sparse.linalg import LinearOperator, cg

from bench import linear, objective
from bench.base import Unavailable
from bench.linear import Problem

STORE = Path(__file__).with_name("references.json")
ACTIVE_SET_COLUMNS = 500
GOOD_ENOUGH = 1e-12  # relative gap at which a reference is accepted without complaint


def fingerprint(problem: Problem) -> list[float]:
    """Tells whether stored values belong to these data (another NumPy could draw others)."""
    return [
        float(problem.X.sum()),
        float(np.abs(problem.X.T @ problem.y).max()),
        float(problem.alphas.sum()),
    ]


def dual_values(problem: Problem) -> list[float]:
    """The stored lower bounds, one an alpha; computed and stored when missing or stale."""
    store = json.loads(STORE.read_text()) if STORE.is_file() else {}
    entry = store.get(problem.name)
    if entry and np.allclose(entry["fingerprint"], fingerprint(problem), rtol=1e-9, atol=1e-9):
        return entry["duals"]
    certificates = _solve(problem)
    gap = max(c.gap for c in certificates)
    if gap > GOOD_ENOUGH:
        print(f"{problem.name}: reference only certified to {gap:.1e}", file=sys.stderr)
    duals = [c.dual for c in certificates]
    store = json.loads(STORE.read_text()) if STORE.is_file() else {}
    store[problem.name] = {
        "fingerprint": fingerprint(problem),
        "gap": gap,
        "duals": duals,
        "support": certificates[-1].support,
    }
    draft = STORE.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(dict(sorted(store.items())), indent=1) + "\n")
    draft.replace(STORE)  # at once: another process may be reading
    return duals


def _solve(problem: Problem) -> list[objective.Certificate]:
    certificates = []
    coef = np.zeros(problem.X.shape[1])
    for alpha in problem.alphas:
        coef, certificate = _solve_one(problem, float(alpha), coef)
        certificates.append(certificate)
    return certificates


def _solve_one(problem: Problem, alpha: float, start: np.ndarray):
    """The best of: a tight scikit-learn fit, and its polished versions."""
    best, best_coef = None, start
    for tol in (1e-8, 1e-11, 1e-14):
        coef = _coordinate_descent(problem, alpha, best_coef, tol)
        for candidate in (coef, _polish(problem, alpha, coef)):
            certificate = objective.certify(problem, alpha, candidate)
            if best is None or certificate.gap < best.gap:
                best, best_coef = certificate, candidate
        if best.gap <= GOOD_ENOUGH or problem.l1_ratio == 0.0:
            return best_coef, best
    if problem.loss == "squared" and problem.X.shape[1] <= ACTIVE_SET_COLUMNS:
        return _active_set(problem, alpha, best_coef)
    return best_coef, best


def _coordinate_descent(problem: Problem, alpha: float, start, tol: float) -> np.ndarray:
    if problem.l1_ratio == 0.0:
        return np.zeros_like(start)
    if problem.loss == "logistic":
        return _reweighted(problem, alpha, start, tol)
    return _enet(problem.X, problem.y, alpha, problem.l1_ratio, start, tol)


def _enet(X, y: np.ndarray, alpha: float, l1_ratio: float, start, tol: float) -> np.ndarray:
    from sklearn.linear_model import enet_path

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, coefs, _ = enet_path(
            X, y, l1_ratio=l1_ratio, alphas=[alpha], tol=tol, max_iter=1_000_000, coef_init=start
        )
    return coefs[:, 0]


def _reweighted(problem: Problem, alpha: float, start, tol: float, steps: int = 60) -> np.ndarray:
    """Proximal Newton: each step a weighted Lasso, then the longest of 1, 1/2, ... that descends.
    Weights are kept from zero; that changes the way, not the fixed point."""
    X, y = problem.X, problem.y
    b = start
    certificate = objective.certify(problem, alpha, b)
    for _ in range(steps):
        if certificate.gap <= max(tol, GOOD_ENOUGH):
            break
        z = X @ b
        u = special.expit(-y * z)
        root = np.sqrt(np.maximum(u * (1.0 - u), 1e-4))
        rows = sparse.diags(root) @ X if problem.is_sparse else root[:, None] * X
        target = root * z + y * u / root
        if X.shape[1] <= ACTIVE_SET_COLUMNS and certificate.gap <= 1e-6:
            rows = rows.toarray() if problem.is_sparse else rows
            inner = replace(problem, X=rows, y=target, loss="squared")
            step = _active_set(inner, alpha, b)[0] - b
        else:
            inner_tol = max(1e-14, min(1e-4, 0.01 * certificate.gap))
            step = _enet(rows, target, alpha, problem.l1_ratio, b.copy(), inner_tol) - b
        for length in 0.5 ** np.arange(30):
            trial = objective.certify(problem, alpha, b + length * step)
            if trial.primal < certificate.primal:
                break
        else:
            break
        b, certificate = b + length * step, trial
    return b


def _polish(problem: Problem, alpha: float, coef: np.ndarray, steps: int = 30) -> np.ndarray:
    """Newton on the support with the signs held; a coefficient that reaches zero leaves."""
    n = len(problem.y)
    a1, a2 = alpha * problem.l1_ratio, alpha * (1.0 - problem.l1_ratio)
    b = coef.copy()
    for _ in range(steps):
        S = np.flatnonzero(b) if a1 > 0.0 else np.arange(len(b))
        if len(S) == 0:
            return b
        X = problem.X[:, S]
        z = X @ b[S]
        if problem.loss == "squared":
            slope, weight = (z - problem.y) / n, np.full(n, 1.0 / n)
        else:
            u = special.expit(-problem.y * z)
            slope, weight = -problem.y * u / n, u * (1.0 - u) / n
        gradient = X.T @ slope + a1 * np.sign(b[S]) + a2 * b[S]
        scale = max(a1, a2 * np.abs(b).max(), 1e-300)
        if np.abs(gradient).max() <= 1e-13 * scale:
            return b
        with np.errstate(divide="ignore", invalid="ignore"):  # weights can underflow
            step, _ = cg(_hessian(X, weight, a2), -gradient, rtol=1e-8, maxiter=2_000)
        if not np.isfinite(step).all():
            return b
        b[S] = _stop_at_zero(b[S], step) if a1 > 0.0 else b[S] + step
    return b


def _hessian(X, weight: np.ndarray, a2: float) -> LinearOperator:
    p = X.shape[1]
    return LinearOperator((p, p), dtype=float, matvec=lambda v: X.T @ (weight * (X @ v)) + a2 * v)


def _active_set(problem: Problem, alpha: float, coef: np.ndarray, steps: int = 2_000):
    """Least squares with L1 on exactly collinear columns, where nothing else is precise enough:
    minimum-norm steps on the support up to the first sign change, one new column at a time."""
    X, n = problem.X, len(problem.y)
    b, entering = coef.copy(), None
    certificate = objective.certify(problem, alpha, b)
    for _ in range(steps):
        if certificate.gap <= GOOD_ENOUGH:
            break
        gradient = X.T @ (X @ b - problem.y) / n
        signs = np.sign(b)
        if entering is not None:
            signs[entering] = -np.sign(gradient[entering])
        S = np.flatnonzero(signs)
        residual = -(gradient[S] + alpha * signs[S])
        if np.abs(residual).max() <= 1e-13 * alpha:
            excess = np.abs(gradient)
            excess[S] = 0.0
            entering = int(excess.argmax())
            continue
        root = X[:, S] / np.sqrt(n)
        step = np.linalg.pinv(root, rcond=1e-9)
        step = step @ (step.T @ residual)
        left = residual - root.T @ (root @ step)
        if np.abs(left).max() > 1e-7 * alpha:
            step = left * 1e12  # no minimum: the support's null space descends to a sign change
        with np.errstate(divide="ignore", invalid="ignore"):
            limits = np.where(b[S] * step < 0.0, -b[S] / step, np.inf)
        first = int(limits.argmin())
        b[S] += min(1.0, limits[first]) * step
        if limits[first] < 1.0:
            b[S[first]] = 0.0
        entering = None
        certificate = objective.certify(problem, alpha, b)
    return b, certificate


def _stop_at_zero(b: np.ndarray, step: np.ndarray) -> np.ndarray:
    moved = b + step
    return np.where(np.sign(moved) == np.sign(b), moved, 0.0)


def main() -> None:
    for name in sys.argv[1:] or linear.PROBLEMS:
        try:
            problem = linear.PROBLEMS[name].build()
        except Unavailable as reason:
            print(f"{name}: {reason}")
            continue
        dual_values(problem)
        entry = json.loads(STORE.read_text())[name]
        print(f"{name}: gap {entry['gap']:.1e}, support {entry['support']}", flush=True)


if __name__ == "__main__":
    main()
