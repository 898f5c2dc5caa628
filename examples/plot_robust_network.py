"""
===================================================
Two moons: a network that an adversary hardly turns
===================================================

A network that separates its training samples may change its mind a hair's breadth away from them.
:class:`~cycloid.neural_network.ConvexReLUClassifier` with ``adversarial_radius`` minimises the loss
of the worst input near each sample instead, and that worst case is known exactly. Both networks
come with a bound on their distance from the optimum; a third, trained by gradients from several
seeds, has none.
"""

# %%
# Three ways to train
# -------------------
# Samples may be moved by ``radius`` in training; proofs and attacks are about nearly twice as much.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from sklearn.datasets import make_moons
from sklearn.neural_network import MLPClassifier

from cycloid.neural_network import ConvexReLUClassifier

X, y = make_moons(40, noise=0.1, random_state=0)
X_new, y_new = make_moons(1000, noise=0.1, random_state=1)
radius, further = 0.08, 0.15
clean = ConvexReLUClassifier(loss="hinge", alpha=1e-3, random_state=0).fit(X, y)
robust = ConvexReLUClassifier(
    loss="hinge", alpha=1e-3, adversarial_radius=radius, random_state=0
).fit(X, y)
proved = {}
for name, model in (("Clean", clean), ("Robust", robust)):
    result = model.result_
    proved[name] = model.certified_accuracy(X_new, y_new, further)
    attacked = model.attack(X_new, y_new, further, random_state=0).accuracy
    print(
        f"{name:6s} {result.seconds:.1f} s, {model.n_neurons_} neurons, objective "
        f"{result.objective:.4f}, gap {result.gap / result.objective:.1%}; "
        f"{model.score(X_new, y_new):.1%} of new samples are right, {proved[name]:.1%} whatever "
        f"moves them by {further}; an attack leaves {attacked:.1%}"
    )
scores = [
    MLPClassifier((50,), alpha=1e-3, max_iter=2000, random_state=seed).fit(X, y).score(X_new, y_new)
    for seed in range(5)
]
print(f"MLPClassifier, five seeds: {min(scores):.1%} to {max(scores):.1%}")

# %%
# Where they change their minds
# -----------------------------
# The squares are what the adversary of the training may reach; between the pale bands' borders the
# margin is below one.

axis = np.linspace(-1.6, 2.6, 300), np.linspace(-1.0, 1.5, 200)
grid = np.stack(np.meshgrid(*axis), axis=-1)
figure, panels = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained", sharey=True)
for panel, model, name in zip(panels, (clean, robust), proved, strict=True):
    outputs = model.decision_function(grid.reshape(-1, 2)).reshape(grid.shape[:2])
    panel.contourf(*axis, outputs, levels=[-99, -1, 0, 1, 99], cmap="RdBu", alpha=0.55)
    panel.contour(*axis, outputs, levels=[0], colors="k", linewidths=1)
    for (a, b), label in zip(X, y, strict=True):
        colour = "C0" if label else "C3"
        corner = (a - radius, b - radius)
        panel.add_patch(Rectangle(corner, 2 * radius, 2 * radius, fill=False, edgecolor=colour))
        panel.plot(a, b, ".", color=colour, markersize=4)
    panel.set_title(f"{name}: {proved[name]:.0%} of new samples are right, proved", loc="left")
    panel.set_aspect("equal")
    panel.set_axis_off()
figure.savefig("plot_robust_network.png", dpi=120)
plt.show()
