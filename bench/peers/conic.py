"""Clarabel (interior point) and SCS (ADMM), given the convex program of a network as cones.

The cones are made here rather than by CVXPY, whose modelling takes longer than either solver needs
on some rows; they are what CVXPY would make of ``bench.networks``. Making them is not timed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from bench import networks
from bench.networks import Problem, Solution
from bench.peers.base import Peer, needs


class Cones(NamedTuple):
    """min x' P x / 2 + q' x over A x + s = b, where s is zero (``zero`` rows), >= 0 (``positive``
    rows), and in second-order cones of equal ``size``. x is (residuals, v, bounds of |v_b|)."""

    P: Any
    q: np.ndarray
    A: Any
    b: np.ndarray
    zero: int
    positive: int
    blocks: int
    size: int

    def solution(self, x: Any, d: int) -> Solution:
        v = np.asarray(x)[self.zero : self.zero + self.blocks * d]
        return Solution(v.reshape(self.blocks, d).T)


def prepare(problem: Problem, n_threads: int) -> tuple[Problem, Cones]:
    n, d = problem.X.shape
    active = np.repeat(problem.active, 2, axis=1).astype(float)
    blocks = active.shape[1]
    n_v = blocks * d
    predict = np.hstack(
        [s * active[:, [b]] * problem.X for b, s in zip(range(blocks), problem.signs, strict=True)]
    )
    equal = sparse.hstack(
        [
            sparse.eye(n),
            sparse.csc_matrix(-predict),
            sparse.csc_matrix((n, blocks)),
        ]
    )
    inward = [-(2 * active[:, [b]] - 1) * problem.X for b in range(blocks)]
    cone = sparse.hstack(
        [
            sparse.csc_matrix((blocks * n, n)),
            sparse.block_diag(inward),
            sparse.csc_matrix((blocks * n, blocks)),
        ]
    )
    rows = np.arange(blocks * (d + 1)).reshape(blocks, d + 1)
    places = np.column_stack([n + n_v + np.arange(blocks), n + np.arange(n_v).reshape(blocks, d)])
    width = n + n_v + blocks
    norm = sparse.csc_matrix(
        (-np.ones(rows.size), (rows.ravel(), places.ravel())), (rows.size, width)
    )
    quadratic = sparse.diags(np.r_[np.full(n, 1.0 / n), np.zeros(width - n)])
    return problem, Cones(
        quadratic.tocsc(),
        np.r_[np.zeros(width - blocks), np.full(blocks, problem.alpha)],
        sparse.vstack([equal, cone, norm]).tocsc(),
        np.r_[-problem.y, np.zeros(blocks * n + rows.size)],
        n,
        blocks * n,
        blocks,
        d + 1,
    )


def clarabel(data: tuple[Problem, Cones], tol: float) -> Solution:
    import clarabel

    problem, cones = data
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_rel = settings.tol_gap_abs = settings.tol_feas = tol
    kinds = [clarabel.ZeroConeT(cones.zero), clarabel.NonnegativeConeT(cones.positive)]
    kinds += [clarabel.SecondOrderConeT(cones.size)] * cones.blocks
    solver = clarabel.DefaultSolver(cones.P, cones.q, cones.A, cones.b, kinds, settings)
    return cones.solution(solver.solve().x, problem.X.shape[1])


def scs(data: tuple[Problem, Cones], tol: float) -> Solution:
    import scs

    problem, cones = data
    parts = {"P": cones.P, "A": cones.A, "b": cones.b, "c": cones.q}
    kinds = {"z": cones.zero, "l": cones.positive, "q": [cones.size] * cones.blocks}
    solver = scs.SCS(parts, kinds, verbose=False, eps_abs=tol, eps_rel=tol, max_iters=1_000_000)
    return cones.solution(solver.solve()["x"], problem.X.shape[1])


def _supports(problem: Any) -> bool:
    return isinstance(problem, networks.Problem)


PEERS = [
    Peer("clarabel", _supports, prepare, clarabel, needs("clarabel")),
    Peer("scs", _supports, prepare, scs, needs("scs")),
]
