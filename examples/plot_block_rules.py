"""
==================================================
Which block next? Rules of block coordinate descent
==================================================

Block coordinate descent changes a few coordinates at a time. How it cuts the coordinates into
blocks, which block it takes next and how it updates that block decide how fast it gets there:
after as many iterations, the best rules below are closer to the minimum than the usual ones by many
orders of magnitude. The three experiments are those of Nutini, Laradji & Schmidt (2022), smaller.
"""

# %%
# Three problems
# --------------
# Least squares with columns of very different sizes, a field on a graph (labels spread over two
# moons), and least squares with an L1 penalty and x >= 0.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import kneighbors_graph

from cycloid.optimize import LeastSquares, Quadratic, block_coordinate_descent

rng = np.random.default_rng(0)
m, n = 300, 2000
A = (rng.standard_normal((m, n)) + 1) * (10 * rng.standard_normal(n))
A = sparse.csc_array(A * (rng.random((m, n)) < 10 * np.log(m) / m))
b = A @ (rng.standard_normal(n) * (rng.random(n) < 0.1)) + rng.standard_normal(m)
regression = LeastSquares(A, b)
sparse_regression = LeastSquares(A, b, l1=0.1 * abs(A.T @ b).max(), lower=0)

points, classes = make_moons(2000, noise=0.1, random_state=0)
neighbours = kneighbors_graph(points, 5)
W = sparse.csr_array(neighbours.maximum(neighbours.T))
laplacian = sparse.csc_array(sparse.diags_array(W.sum(axis=1)) - W)
labelled = rng.choice(len(points), 100, replace=False)
free = np.setdiff1d(np.arange(len(points)), labelled)
spread = -(laplacian[free][:, labelled] @ (2.0 * classes[labelled] - 1))
field = Quadratic(laplacian[free][:, free], spread)

# %%
# The rules
# ---------
# "Fixed" blocks are cut once, "variable" ones anew for each update. GS takes the coordinates of the
# largest derivatives; GSL, GSD and GSQ know better and better what curvature does to the progress.
# On a graph, a block may be as large as its couplings form a forest: then messages along the trees
# give the exact update in linear time.

experiments = {
    "least squares, blocks of 20": (
        regression,
        {
            "random, fixed, gradient": ("random", "sort", "gradient", 20),
            "GS, fixed, gradient": ("gs", "sort", "gradient", 20),
            "GSL, fixed, gradient": ("gsl", "sort", "gradient", 20),
            "GSL, fixed, matrix": ("gsl", "sort", "matrix", 20),
            "GSL, variable, matrix": ("gsl", "variable", "matrix", 20),
            "GSD, variable, matrix": ("gsd", "variable", "matrix", 20),
            "GSQ, variable, matrix": ("gsq", "variable", "matrix", 20),
        },
    ),
    "two moons, blocks of like cost": (
        field,
        {
            "GS, any 12 nodes": ("gs", "variable", "matrix", 12),
            "red-black": ("cyclic", "red-black", "matrix", 1),
            "random trees": ("random", "greedy-forest", "matrix", 1),
            "few forests in turn": ("cyclic", "forests", "matrix", 1),
            "GS, greedy trees": ("gs", "greedy-forest", "matrix", 1),
        },
    ),
    "L1 and x >= 0, blocks of 100": (
        sparse_regression,
        {
            "fixed, proximal gradient": ("gsl-q", "sort", "gradient", 100),
            "variable, proximal gradient": ("gsl-q", "variable", "gradient", 100),
            "variable, proximal Newton": ("gsl-q", "variable", "newton", 100),
            "variable, two-metric": ("gsl-q", "variable", "two-metric", 100),
        },
    ),
}

warnings.simplefilter("ignore", ConvergenceWarning)  # the iterations are to run out
traces = {}
for title, (problem, rules) in experiments.items():
    traces[title] = {}
    for label, (selection, partition, update, size) in rules.items():
        traces[title][label] = block_coordinate_descent(
            problem,
            selection=selection,
            partition=partition,
            update=update,
            block_size=size,
            rtol=1e-12,
            max_iter=300,
        ).trace

# %%
# Gap against iterations and against seconds
# ------------------------------------------
# An iteration of a greedy rule costs more than one of a random rule, but not so much more. The last
# problem ends after finitely many steps: once the support is known and fits into a block, one
# Newton step on it is exact.

figure, axes = plt.subplots(2, 3, figsize=(13, 7), layout="constrained")
for column, (title, curves) in zip(axes.T, traces.items(), strict=True):
    lowest = min(trace["objective"].min() for trace in curves.values())
    for label, trace in curves.items():
        gap = np.maximum(trace["objective"] - lowest, 1e-9)
        column[0].semilogy(trace["iteration"], gap, label=label)
        column[1].loglog(np.maximum(trace["seconds"], 1e-5), gap)
    column[0].set(title=title, xlabel="iterations", ylabel="objective above the lowest")
    column[1].set(xlabel="seconds", ylabel="objective above the lowest")
    column[0].legend(fontsize="small")
figure.savefig("plot_block_rules.png", dpi=100)
plt.show()

for title, curves in traces.items():
    lowest = min(trace["objective"].min() for trace in curves.values())
    print(title)
    for label, trace in curves.items():
        print(f"  {label:28} {trace['objective'][-1] - lowest:9.1e}")
