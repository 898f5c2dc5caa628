"""
====================================================
Lasso path on interactions, and where to stop on it
====================================================

Ten measurements of 442 diabetes patients predict how far the disease has progressed a year later.
All products of up to five of them are 2,716 features: far more than patients. The Lasso picks few.
:func:`~cycloid.linear_model.lasso_path` follows the solution from the empty model on, each point
with a duality gap that certifies it, and :class:`~cycloid.linear_model.LassoCV` says where to stop.
"""

# %%
# Many features from few
# ----------------------
# Powers of ``sex``, which has two values, say no more than ``sex`` itself and are left out.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from cycloid.linear_model import LassoCV, lasso_path

data = load_diabetes()
y = (data.target - data.target.mean()) / data.target.std()
products = PolynomialFeatures(degree=5, include_bias=False)
X = products.fit_transform(StandardScaler().fit_transform(data.data))
names = products.get_feature_names_out(data.feature_names)
kept = products.powers_[:, data.feature_names.index("sex")] <= 1
X, names = StandardScaler().fit_transform(X[:, kept]), names[kept]
print(f"{X.shape[0]} patients, {X.shape[1]} features")

# %%
# The path
# --------
# Fifty penalty strengths, from the smallest at which nothing is selected down to 2 % of it. The
# largest duality gap bounds how far any of the objectives is from its minimum.

path = lasso_path(X, y, alphas=50, eps=0.02)
print(f"{path.seconds.sum():.2f} s for {len(path.alphas)} solutions")
print(f"largest gap / objective of the null model: {path.gaps.max() / path.null_objective:.1e}")

# %%
# Where to stop
# -------------
# Five-fold cross-validation on the same strengths.

model = LassoCV(alphas=path.alphas, cv=5).fit(X, y)
error = model.mse_path_.mean(axis=1)
print(f"alpha = {model.alpha_:.3f}: {np.count_nonzero(model.coef_)} features, "
      f"held-out R2 = {1 - error.min() / y.var():.2f}")  # fmt: skip

# %%
# Both in one picture
# -------------------
# The curves that are largest where the cross-validation stops have names.

figure, (top, bottom) = plt.subplots(
    2, 1, figsize=(8.5, 6), height_ratios=(3, 1), sharex=True, layout="constrained"
)
chosen = int(np.argmin(error))
largest = np.argsort(-np.abs(path.coefs[:, chosen]))[:5]
top.plot(path.alphas, path.coefs.T, color="0.82", linewidth=0.7)
for rank, j in enumerate(largest):
    (line,) = top.plot(path.alphas, path.coefs[j], color=f"C{rank}", linewidth=1.8)
    label = names[j].replace(" ", " · ").replace("^2", "²").replace("^3", "³")
    end = (path.alphas[-1], path.coefs[j, -1])
    top.annotate(label, end, (5, 0), textcoords="offset points", va="center", color=f"C{rank}")
top.set_ylabel("coefficient")
top.set_title("Lasso path, diabetes, products of up to five features", loc="left")

spread = model.mse_path_.std(axis=1, ddof=1) / np.sqrt(5)
bottom.fill_between(path.alphas, error - spread, error + spread, color="C0", alpha=0.2, linewidth=0)
bottom.plot(path.alphas, error, color="C0")
bottom.set_ylabel("held-out error")
bottom.set_xlabel("alpha: the penalty gets weaker to the right")
bottom.set_xscale("log")
bottom.set_xticks([0.5, 0.2, 0.1, 0.05, 0.02], labels=["0.5", "0.2", "0.1", "0.05", "0.02"])
bottom.minorticks_off()
bottom.set_xlim(path.alphas[0], path.alphas[-1])
for axes in (top, bottom):
    axes.axvline(model.alpha_, color="0.3", linewidth=0.9, linestyle="--")
    axes.spines[["top", "right"]].set_visible(False)
top.annotate("chosen", (model.alpha_, 1), (-4, -4), xycoords=("data", "axes fraction"),
             textcoords="offset points", ha="right", va="top")  # fmt: skip
figure.savefig("plot_lasso_path.png", dpi=120)
plt.show()
