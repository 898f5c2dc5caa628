"""Sinkhorn's algorithm in the log domain and in extended precision, in plain numpy."""

import numpy as np


def _log_sum(z, axis):
    top = z.max(axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.exp(z - top).sum(axis=axis))


def sinkhorn(a, b, M, reg, tol=1e-16, most=50_000):
    """(plan, f, g) in long double, to an L1 error of `tol`; all masses positive."""
    a, b, M = (np.asarray(v, dtype=np.longdouble) for v in (a, b, M))
    b = b * (a.sum() / b.sum())
    reg = np.longdouble(reg)
    f, g = np.zeros_like(a), np.zeros_like(b)
    strength = max(reg, (M.max() - M.min()) / 10)
    while True:
        for _ in range(most if strength == reg else 20):
            f = reg_step(a, g, M, strength)
            g = reg_step(b, f, M.T, strength)
            plan = np.exp((f[:, None] + g - M) / strength)
            if np.abs(plan.sum(1) - a).sum() <= tol * a.sum():
                break
        if strength == reg:
            return plan, f, g
        strength = max(reg, strength / 2)


def reg_step(mass, other, M, reg):
    return reg * (np.log(mass) - _log_sum((other - M) / reg, 1))


def entropic_value(plan, M, reg):
    """sum P M + reg sum P (log P - 1), with 0 log 0 = 0."""
    positive = plan > 0
    p = plan[positive]
    return (p * np.asarray(M, dtype=p.dtype)[positive]).sum() + reg * (p * (np.log(p) - 1)).sum()


def violation(plan, a, b):
    a, b = np.asarray(a), np.asarray(b)
    return (np.abs(plan.sum(1) - a).sum() + np.abs(plan.sum(0) - b).sum()) / a.sum()
