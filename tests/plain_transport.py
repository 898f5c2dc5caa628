"""Transport problems, and plain answers to compare with."""

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import eye_array, kron, vstack


def problem(n, m, seed=0):
    """(a, b, M): random masses with total 1 and costs in [0, 1]."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m)), rng.random((n, m))


def plain_sinkhorn(a, b, M, reg, n_iter=50_000):
    """The entropic plan; all masses positive, no cost above some hundred times reg."""
    K = np.exp(-M / reg)
    u = np.ones(len(a))
    for _ in range(n_iter):
        v = b / (u @ K)
        u = a / (K @ v)
    return u[:, None] * K * v


def exact_cost(a, b, M):
    """The transport cost without entropy, by linear programming."""
    n, m = M.shape
    rows, columns = kron(eye_array(n), np.ones((1, m))), kron(np.ones((1, n)), eye_array(m))
    return linprog(M.ravel(), A_eq=vstack([rows, columns]), b_eq=np.concatenate([a, b])).fun


def entropic_value(P, M, reg):
    """<M, P> + reg * sum P (log P - 1)."""
    return np.sum(M * P) + reg * np.sum(P * (np.log(P, where=P > 0, out=np.zeros_like(P)) - 1))
