"""
=======================================
Sparse logistic regression on digits
=======================================

Which pixels, and which pairs of pixels, tell a handwritten 3 from an 8? An L1 penalty answers with
a short list, taken from the 64 pixels and all their products: 1,500 features for 357 images.
:func:`~cycloid.linear_model.logistic_path` fits all penalty strengths at once, with an unpenalised
intercept and a duality gap for each.
"""

# %%
# Pixels and pairs
# ----------------
# Features that never change are left out.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from cycloid.linear_model import logistic_path

data = load_digits()
rows = np.isin(data.target, (3, 8))
images, y = data.data[rows], data.target[rows]
products = PolynomialFeatures(degree=2, include_bias=False)
X = products.fit_transform(StandardScaler().fit_transform(images))
kept = X.std(axis=0) > 1e-10
X, powers = StandardScaler().fit_transform(X[:, kept]), products.powers_[kept]
train, test = train_test_split(np.arange(len(y)), test_size=0.6, random_state=0, stratify=y)
print(f"{len(train)} images to learn from, {X.shape[1]} features")

# %%
# Forty penalty strengths
# -----------------------
# Labels may be anything that sorts: the larger, 8, is the positive class.

path = logistic_path(X[train], y[train], alphas=40, eps=0.005)
support = np.diff(path.coefs_sparse.indptr)
scores = X[test] @ path.coefs + path.intercepts
accuracy = ((scores > 0) == (y[test] == 8)[:, None]).mean(axis=0)
print(f"{path.seconds.sum():.2f} s, largest relative gap "
      f"{path.gaps.max() / path.null_objective:.1e}")  # fmt: skip
shown = int(np.argmax(support >= 20))
print(f"{support[shown]} features: {accuracy[shown]:.1%} of the other images are recognised")

# %%
# What the classifier looks at
# ----------------------------
# Left: the accuracy that a number of features buys. Right: the average 3, and on it the pixels
# and pairs that the marked classifier uses. Blue speaks for an 8, red for a 3.

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9.5, 4.4), width_ratios=(1.25, 1), layout="constrained"
)
left.plot(support, 100 * accuracy, color="C0", marker="o", markersize=3.5, linewidth=1.2)
left.plot(support[shown], 100 * accuracy[shown], "o", color="C3", markersize=8)
left.annotate(
    f"{support[shown]} features, {accuracy[shown]:.1%}",
    (support[shown], 100 * accuracy[shown]),
    (6, -14),
    textcoords="offset points",
    color="C3",
)
left.set_xlabel("features used")
left.set_ylabel("images recognised (%)")
left.margins(y=0.12)
left.set_title("A 3 or an 8: accuracy on images not seen", loc="left")
left.spines[["top", "right"]].set_visible(False)

coef = path.coefs[:, shown]
right.imshow(images[y == 3].mean(axis=0).reshape(8, 8), cmap="Greys", alpha=0.45)
for j in np.flatnonzero(coef):
    pixels = np.flatnonzero(powers[j])
    r, c = np.divmod(pixels, 8)
    colour, strength = ("C0" if coef[j] > 0 else "C3"), np.sqrt(abs(coef[j]) / abs(coef).max())
    if len(pixels) == 1:
        right.plot(c, r, "o", color=colour, markersize=4 + 14 * strength, alpha=0.9)
    else:
        right.plot(c, r, "-", color=colour, linewidth=0.5 + 3.5 * strength, alpha=0.6)
right.set_title("Pixels (dots) and pairs (lines) that count", loc="left")
right.set_axis_off()
figure.savefig("plot_sparse_logistic.png", dpi=120)
plt.show()
