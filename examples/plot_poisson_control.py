"""
=====================================================
Heating a plate to a pattern: control by an equation
=====================================================

How must a plate be heated for its temperature to look like a given picture? The temperature u
follows from the heat source z by Poisson's equation, and heating costs. On a grid that is a problem
of 2 N\\ :sup:`2` unknowns with an equation at each of N\\ :sup:`2` points:

    minimise  |u - target|² / 2 + a |z|² / 2   subject to  -Δu + κ u³ = z,  u = 0 at the boundary.

With κ = 0 it is a quadratic program, one Newton step. With κ > 0 the plate radiates and the
constraint is curved. :func:`~cycloid.optimize.minimize` takes the constraint as SciPy writes it,
with sparse matrices, and factorizes Newton's equations as such.
"""

# %%
# The problem on a grid
# ---------------------
# Everything is scaled by the area of a cell, so that sums are integrals and the multipliers too are
# a function on the plate. ``hess(x, v)`` is the Hessian of ``v @ constraint``, as in SciPy.

import time

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from scipy.optimize import NonlinearConstraint

from cycloid.optimize import minimize


def plate(n, alpha=1e-5, kappa=0.0):
    """Arguments of `minimize` for n x n inner points of the unit square, and the target."""
    h = 1 / (n + 1)
    second = sparse.diags_array(
        [-np.ones(n - 1), 2 * np.ones(n), -np.ones(n - 1)], offsets=(-1, 0, 1)
    )
    identity = sparse.eye_array(n)
    stiffness = sparse.kron(second, identity) + sparse.kron(identity, second)
    x, y = np.meshgrid(*2 * [np.linspace(h, 1 - h, n)])
    ring = np.exp(-(((np.hypot(x - 0.5, y - 0.5) - 0.27) / 0.06) ** 2))
    target = np.where((x - 0.5) * (y - 0.5) > 0, 1.0, 0.4).ravel() * ring.ravel()
    heat = -(h**2) * sparse.eye_array(n * n)
    weights = h**2 * np.repeat([1.0, alpha], n * n)
    curvature = sparse.diags_array(weights).tocsc()
    shift = np.concatenate([target, np.zeros(n * n)])

    def equation(xz):
        u, z = np.split(xz, 2)
        return stiffness @ u + h**2 * (kappa * u**3 - z)

    def jacobian(xz):
        slope = stiffness + sparse.diags_array(3 * kappa * h**2 * xz[: n * n] ** 2)
        return sparse.hstack([slope, heat], format="csc")

    def bend(xz, v):
        diagonal = 6 * kappa * h**2 * xz[: n * n] * v
        return sparse.diags_array(np.concatenate([diagonal, np.zeros(n * n)])).tocsc()

    problem = {
        "fun": lambda xz: 0.5 * weights @ (xz - shift) ** 2,
        "x0": np.zeros(2 * n * n),
        "jac": lambda xz: weights * (xz - shift),
        "hess": lambda xz: curvature,
        "constraints": NonlinearConstraint(equation, 0, 0, jac=jacobian, hess=bend),
    }
    return problem, target.reshape(n, n)


# %%
# Grids of growing size
# ---------------------
# The number of steps does not grow with the grid, for the linear plate nor for the radiating one.

print(f"{'N':>4} {'unknowns':>9} {'kappa':>6} {'steps':>6} {'violation':>10} {'seconds':>8}")
solutions = {}
for n in (32, 64, 128):
    for kappa in (0.0, 1e3):
        problem, target = plate(n, kappa=kappa)
        started = time.perf_counter()
        solutions[kappa] = result = minimize(**problem, tol=1e-10)
        seconds = time.perf_counter() - started
        print(
            f"{n:4} {2 * n * n:9} {kappa:6g} {result.nit:6} {result.violation:10.1e} {seconds:8.2f}"
        )

# %%
# What the plates look like
# -------------------------
# The multiplier is the price of the equation at each point: where it is not zero, heat is worth
# something. In both problems the best heat source is the multiplier divided by a.

figure, rows = plt.subplots(2, 4, figsize=(12, 5.6), layout="constrained")
for row, (kappa, result) in zip(rows, solutions.items(), strict=True):
    temperature, source = (part.reshape(n, n) for part in np.split(result.x, 2))
    panels = {
        "target": (target, "inferno"),
        "temperature u": (temperature, "inferno"),
        "heat source z": (source, "RdBu_r"),
        "multiplier": (result.multipliers.reshape(n, n), "RdBu_r"),
    }
    for axes, (name, (values, colours)) in zip(row, panels.items(), strict=True):
        limit = abs(values).max()
        low = -limit if colours == "RdBu_r" else 0
        image = axes.imshow(values, cmap=colours, vmin=low, vmax=limit, origin="lower")
        axes.set_title(f"{name}, κ = {kappa:g}", loc="left", fontsize=10)
        axes.set_axis_off()
        figure.colorbar(image, ax=axes, shrink=0.8)
figure.savefig("plot_poisson_control.png", dpi=130)
plt.show()
