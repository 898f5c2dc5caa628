"""
=========================================
The colours of a sunset, moved to midday
=========================================

Each pixel is a point in the space of red, green and blue, and an image a cloud of them. Optimal
transport moves one cloud onto another at the least total change of colour.
:class:`~cycloid.ot.SinkhornTransport` learns that map from some pixels of each image and applies it
to all of them. How much it evens out is up to the regularization.
"""

# %%
# Two images
# ----------
# Seen by day and at sunset; where that pair is not to be had, two images that scikit-learn carries.

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from cycloid.ot import SinkhornTransport

file = Path(os.environ.get("CYCLOID_DATA", "../shared/data"), "ot", "color_ocean.npz")
if file.is_file():
    with np.load(file) as pair:
        source, target = pair["a"] / 255, pair["b"] / 255
else:
    source, target = (load_sample_image(f"{name}.jpg") / 255 for name in ("china", "flower"))
print(f"{source.shape[0]} x {source.shape[1]} pixels to recolour")

# %%
# A map from a sample
# -------------------
# A thousand pixels of each image are enough to learn from. The costs are divided by their median,
# so that the regularization has no unit. The violation is the share of mass that is misplaced.

rng = np.random.default_rng(0)
pixels, colours = source.reshape(-1, 3), target.reshape(-1, 3)
some, others = (rng.choice(cloud, 1000, replace=False) for cloud in (pixels, colours))
strengths = (0.5, 0.05, 0.002)
recoloured = []
for reg in strengths:
    model = SinkhornTransport(reg, norm="median").fit(some, Xt=others)
    recoloured.append(model.transform(pixels).clip(0, 1).reshape(source.shape))
    result = model.result_
    print(f"reg {reg}: {result.trace['seconds'][-1]:.3f} s, violation {result.violation:.0e}, "
          f"plan of {np.sum(model.coupling_ > 1e-9)} entries")  # fmt: skip

# %%
# What the regularization does
# ----------------------------
# A large one moves every pixel towards the mean colour of the target; a small one gives each the
# colours of few target pixels, and with them the contrast of the target, its noise included.
# Top right: the two clouds of pixels, each in its own colour, seen along the green axis.

figure, axes = plt.subplots(2, 3, figsize=(10.5, 5.6), layout="constrained")
images = [source, target, *recoloured]
titles = ["source", "target", *(f"recoloured, reg = {reg:g}" for reg in strengths)]
for panel, image, title in zip(axes.flat[[0, 1, 3, 4, 5]], images, titles, strict=True):
    panel.imshow(image)
    panel.set_title(title, loc="left")
    panel.set_axis_off()

clouds = axes[0, 2]
for cloud, marker, name in ((some, "o", "source"), (others, "^", "target")):
    clouds.scatter(cloud[:, 0], cloud[:, 2], s=14, c=cloud, marker=marker, edgecolors="0.4",
                   linewidths=0.3, label=name)  # fmt: skip
clouds.set_xlabel("red")
clouds.set_ylabel("blue")
clouds.set_title("the pixels to learn from", loc="left")
clouds.legend(frameon=False, fontsize=8, loc="best")
clouds.spines[["top", "right"]].set_visible(False)
figure.savefig("plot_color_transfer.png", dpi=120)
print("picture: plot_color_transfer.png")
plt.show()
