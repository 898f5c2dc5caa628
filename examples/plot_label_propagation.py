"""
=======================================
A few labels for a whole graph, exactly
=======================================

Two moons of points, four of them labelled. Join each point to its nearest neighbours, hold the
labelled ones at 0 or 1, and let every other point be the mean of its neighbours: that is the
harmonic function of the graph, where label propagation converges to. It is the solution of a sparse
positive definite system, which :class:`~cycloid.semi_supervised.LabelPropagation` solves directly.
"""

# %%
# Four labels
# -----------
# ``result_.error_bound`` certifies the probabilities: none is farther from the exact ones.

import time

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from sklearn.datasets import make_moons

from cycloid.optimize import solve_positive_definite
from cycloid.semi_supervised import LabelPropagation

X, truth = make_moons(3000, noise=0.1, random_state=0)
y = np.full(len(X), -1)
for moon in (0, 1):
    y[np.flatnonzero(truth == moon)[:2]] = moon
model = LabelPropagation("knn", n_neighbors=8).fit(X, y)
print(
    f"{(model.transduction_ == truth).mean():.1%} of {len(X)} points are right with 4 labels; "
    f"no probability is wrong by more than {model.result_.error_bound:.1e}"
)

# %%
# Cost
# ----
# On a forest, elimination from the leaves is message passing: two visits a node. A graph of
# neighbours in the plane has cycles; there elimination goes as far as it stays cheap, and conjugate
# gradients with an approximate elimination as preconditioner solve the rest.


def random_forest(n, rng):
    """A tree in which each node's parent is a random one before it, as a matrix A."""
    parent = (rng.random(n - 1) * np.arange(1, n)).astype(int)
    half = sparse.coo_array((np.ones(n - 1), (np.arange(1, n), parent)), shape=(n, n))
    W = (half + half.T).tocsr()
    return sparse.diags_array(W.sum(axis=1) + 0.01) - W


def neighbours(n, rng):
    side = round(n**0.5)
    line = sparse.diags_array([1.0, 1.0], offsets=[1, -1], shape=(side, side))
    one = sparse.eye_array(side)
    W = (sparse.kron(line, one) + sparse.kron(one, line)).tocsr()
    return sparse.diags_array(W.sum(axis=1) + 0.01 * (rng.random(side**2) < 0.1)) - W


sizes = np.geomspace(1e3, 1e5, 5).astype(int)
seconds = {"forest": [], "lattice": []}
for n in sizes:
    rng = np.random.default_rng(0)
    for name, make in (("forest", random_forest), ("lattice", neighbours)):
        A = make(n, rng).tocsr()
        b = rng.standard_normal(A.shape[0])
        begin = time.perf_counter()
        solve_positive_definite(A, b)
        seconds[name].append(time.perf_counter() - begin)

# %%
# Left, the probability of the upper moon and the four labels; right, seconds for a relative residual
# of 1e-10.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
shown = left.scatter(*X.T, c=model.label_distributions_[:, 0], s=6, cmap="coolwarm", vmin=0, vmax=1)
left.scatter(*X[y >= 0].T, c=y[y >= 0], s=120, marker="*", edgecolor="k", cmap="coolwarm_r")
left.set(title="Four labels, 3,000 points", xticks=[], yticks=[])
figure.colorbar(shown, ax=left, label="probability of the upper moon")
for name, values in seconds.items():
    right.loglog(sizes, values, "o-", label=name)
right.loglog(sizes, seconds["forest"][0] * sizes / sizes[0], "k:", label="linear")
right.set(xlabel="nodes", ylabel="seconds", title="Exact solution of the system")
right.legend()
figure.savefig("plot_label_propagation.png", dpi=120)
