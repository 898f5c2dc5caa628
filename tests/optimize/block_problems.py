"""Plain NumPy versions of the problems of block coordinate descent, and their minima by SciPy."""

from __future__ import annotations

import numpy as np
import scipy.optimize
from scipy import sparse
from scipy.special import expit, logsumexp

from cycloid.optimize import LeastSquares, Logistic, Quadratic, Softmax


def dense(A):
    return A.toarray() if sparse.issparse(A) else np.asarray(A, dtype=float)


def smooth_part(problem, x):
    """(value, gradient) of the problem without its L1 penalty."""
    A, b = dense(problem.A), np.asarray(problem.b)
    if isinstance(problem, Quadratic):
        return 0.5 * x @ A @ x - b @ x, A @ x - b
    z = A @ x
    if isinstance(problem, LeastSquares):
        value, slope = 0.5 * np.sum((z - b) ** 2), z - b
    elif isinstance(problem, Logistic):
        signs = np.where(b == np.unique(b)[1], 1.0, -1.0)
        value, slope = np.logaddexp(0, -signs * z).sum(), -signs * expit(-signs * z)
    else:
        hot = b[:, None] == np.unique(b)
        value = np.sum(logsumexp(z, axis=1) - z[hot])
        slope = np.exp(z - logsumexp(z, axis=1, keepdims=True)) - hot
    return value + 0.5 * problem.l2 * np.sum(x**2), A.T @ slope + problem.l2 * x


def objective(problem, x):
    return smooth_part(problem, x)[0] + np.sum(problem.l1 * np.abs(x))


def violation(problem, x):
    """The largest distance of minus the gradient from the subdifferential."""
    slope = -smooth_part(problem, x)[1]
    low = np.where(x > 0, problem.l1, -np.asarray(problem.l1))
    high = np.where(x < 0, -np.asarray(problem.l1), problem.l1)
    low = np.where(x <= problem.lower, -np.inf, low)
    high = np.where(x >= problem.upper, np.inf, high)
    return np.max([low - slope, slope - high, np.zeros_like(x)])


def minimum(problem, shape):
    """The lowest objective, by L-BFGS-B on x = u - v, u and v >= 0."""
    size = int(np.prod(shape))
    l1 = np.broadcast_to(problem.l1, shape).ravel()
    lower = np.broadcast_to(problem.lower, shape).ravel()
    upper = np.broadcast_to(problem.upper, shape).ravel()

    def function(uv):
        u, v = np.split(uv, 2)
        value, gradient = smooth_part(problem, (u - v).reshape(shape))
        slope = gradient.ravel()
        return value + l1 @ (u + v), np.concatenate([slope + l1, l1 - slope])

    assert (lower <= 0).all()
    assert (upper >= 0).all()
    bounds = [*zip(np.zeros(size), upper, strict=True), *zip(np.zeros(size), -lower, strict=True)]
    found = scipy.optimize.minimize(
        function,
        np.zeros(2 * size),
        jac=True,
        bounds=bounds,
        method="L-BFGS-B",
        options={"maxiter": 50_000, "maxfun": 10**6, "ftol": 1e-15, "gtol": 1e-10},
    )
    return found.fun


def make(kind, terms=None, n_samples=40, n_features=12, seed=0):
    """A small problem of one of the four kinds, with these L1 penalty and bounds."""
    rng = np.random.default_rng(seed)
    terms = terms or {}
    A = rng.standard_normal((n_samples, n_features)) * rng.uniform(0.7, 1.5, n_features)
    scores = A @ (rng.standard_normal(n_features) * (rng.random(n_features) < 0.5))
    noisy = scores + rng.standard_normal(n_samples)
    if kind == "least-squares":
        return LeastSquares(A, noisy, **terms)
    if kind == "logistic":
        return Logistic(A, np.where(noisy > 0, "yes", "no"), l2=0.5, **terms)
    if kind == "softmax":
        labels = np.digitize(noisy, np.quantile(noisy, [0.3, 0.6]))
        return Softmax(A[:, :4].copy(), labels, l2=1.0, **terms)
    return Quadratic(grid(5, rng), rng.standard_normal(25), **terms)


def grid(side, rng):
    """A positive definite matrix on the lattice."""
    path = sparse.diags_array([1.0, 1.0], offsets=(-1, 1), shape=(side, side))
    W = sparse.kron(path, sparse.eye_array(side)) + sparse.kron(sparse.eye_array(side), path)
    W = sparse.triu(W).tocsc()
    W.data = rng.uniform(0.5, 2, W.nnz)
    W = W + W.T
    return sparse.csc_array(sparse.diags_array(W.sum(axis=1) + 0.5) - W)


KINDS = ("least-squares", "logistic", "softmax", "quadratic")


def shape_of(problem):
    if isinstance(problem, Softmax):
        return (np.shape(problem.A)[1], len(np.unique(problem.b)))
    return (problem.A.shape[1],)
