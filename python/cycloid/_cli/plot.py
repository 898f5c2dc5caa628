"""Pictures of paths, of single solutions and of images. matplotlib is an optional extra."""

import importlib.util
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

SUFFIXES = (".png", ".pdf", ".svg")

_COLOURS = ("#1f6fb4", "#d1495b", "#2e8b57", "#8e5ea2", "#e08a1e", "#3aa6a6", "#a0522d", "#4d5d8a")
_GREY, _INK = "#c9ccd1", "#33373d"
_LABELS = 8  # curves with a colour and a name
_BARS = 20
_LONGEST = 44  # characters of a name


@dataclass(frozen=True)
class Panel:
    """Coefficients (n_features, n_alphas) along ``alphas``, the largest first.

    ``marked`` is an alpha to point out, such as the choice of a cross-validation.
    """

    title: str
    alphas: npt.NDArray[np.float64]
    coefs: npt.NDArray[np.float64]
    names: Sequence[str]
    marked: float | None = None
    mark: str = ""
    quantity: str = "coefficient"


def missing() -> str | None:
    """Return why no picture can be drawn and the remedy, None if one can."""
    if importlib.util.find_spec("matplotlib") is not None:
        return None
    return "matplotlib is not installed; remedy: pip install matplotlib"


def picture(panels: Sequence[Panel], path: str) -> None:
    """Draw the panels one above the other into a file, in the format that its suffix names."""
    # Not pyplot: it would choose a window system, and keep the figure alive.
    from matplotlib.figure import Figure

    height = 0.4 + 3.5 * len(panels)
    figure = Figure(figsize=(9, height), layout="constrained")
    for axes, panel in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True):
        axes.set_title(panel.title, loc="left", fontsize=10.5, color=_INK, pad=9)
        if len(panel.alphas) > 1:
            _draw_path(axes, panel)
        else:
            _draw_bars(axes, panel)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(_GREY)
        axes.tick_params(colors=_INK, labelsize=8.5, color=_GREY)
    _save(figure, path)


def photographs(images: Mapping[str, npt.NDArray[np.float64]], path: str) -> None:
    """Draw images (height, width, 3) with their titles, side by side, into a file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3 * len(images), 2.4), layout="constrained")
    for axes, (title, image) in zip(figure.subplots(1, len(images)), images.items(), strict=True):
        axes.imshow(image)
        axes.set_title(title, loc="left", fontsize=10.5, color=_INK)
        axes.set_axis_off()
    _save(figure, path)


def _save(figure: Any, path: str) -> None:
    try:
        figure.savefig(path, dpi=150, facecolor="white")
    except BaseException:
        if os.path.exists(path):
            os.unlink(path)  # half a picture is worse than none
        raise


def _draw_path(axes: Any, panel: Panel) -> None:
    """Curves over alpha, falling to the right; the largest at the end in colour, with a name."""
    from matplotlib.ticker import LogLocator, NullLocator

    last = panel.coefs[:, -1]
    ever = np.flatnonzero(panel.coefs.any(axis=1))
    order = ever[np.argsort(-np.abs(last[ever]), kind="stable")]
    named = [int(j) for j in order[:_LABELS] if last[j] != 0]
    for j in map(int, ever):
        if j not in named:
            axes.plot(panel.alphas, _away(panel.coefs[j]), color=_GREY, linewidth=0.7, zorder=1)
    for j, colour in zip(named, _COLOURS, strict=False):
        axes.plot(panel.alphas, _away(panel.coefs[j]), color=colour, linewidth=1.7, zorder=2)
    axes.axhline(0, color=_INK, linewidth=0.6, zorder=1.5)
    axes.set_xscale("log")
    axes.set_xlim(panel.alphas[0], panel.alphas[-1])
    decades = np.log10(panel.alphas[0] / panel.alphas[-1])
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 3.5 else (1,)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("alpha: the penalty gets weaker to the right", fontsize=9, color=_INK)
    axes.set_ylabel(panel.quantity, fontsize=9, color=_INK)
    _name_curves(axes, panel, named)
    if panel.marked is not None:
        axes.axvline(panel.marked, color=_INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1.6)
        axes.annotate(
            panel.mark,
            (panel.marked, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-4, -2),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=8.5,
            color=_INK,
        )


def _away(coef: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cut a curve where it rests at zero, so that the last one drawn does not hide the axis."""
    zero = np.pad(coef == 0, 1, constant_values=True)
    return np.where(zero[:-2] & zero[1:-1] & zero[2:], np.nan, coef)


def _name_curves(axes: Any, panel: Panel, named: Sequence[int]) -> None:
    """Write the names beside the ends of the curves, moved apart where they would overlap."""
    low, high = axes.get_ylim()
    ends = np.array([(panel.coefs[j, -1] - low) / (high - low) for j in named])
    for j, colour, end, place in zip(named, _COLOURS, ends, _spread(ends, 0.075), strict=False):
        axes.annotate(
            _short(panel.names[j]),
            xy=(1.002, end),
            xytext=(1.035, place),
            xycoords="axes fraction",
            va="center",
            fontsize=8.5,
            color=colour,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.7,
                "alpha": 0.6,
                "shrinkA": 1,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )


def _spread(places: npt.NDArray[np.float64], distance: float) -> npt.NDArray[np.float64]:
    """Move places on [0, 1] so that neighbours are ``distance`` apart, each as little as needed.

    With the required offsets taken out this is isotonic regression, which scikit-learn solves.
    """
    from sklearn.isotonic import isotonic_regression

    if len(places) == 0:
        return places
    order = np.argsort(places)
    offsets = distance * np.arange(len(places))
    moved = np.empty_like(places)
    moved[order] = offsets + isotonic_regression(
        places[order] - offsets, y_min=0.0, y_max=max(0.0, 1 - offsets[-1])
    )
    return moved


def _draw_bars(axes: Any, panel: Panel) -> None:
    """The largest coefficients of one solution, one bar each."""
    coef = panel.coefs[:, -1]
    order = np.argsort(-np.abs(coef), kind="stable")
    shown = [int(j) for j in order[:_BARS] if coef[j] != 0][::-1]
    places = np.arange(len(shown))
    colours = [_COLOURS[0] if coef[j] > 0 else _COLOURS[1] for j in shown]
    axes.barh(places, coef[shown], color=colours, height=0.62)
    axes.axvline(0, color=_INK, linewidth=0.6)
    axes.set_yticks(places, [_short(panel.names[j]) for j in shown])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(panel.quantity, fontsize=9, color=_INK)
    if not shown:
        axes.text(0.5, 0.5, "every coefficient is zero", ha="center", transform=axes.transAxes)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
