"""How the demonstration's tables look."""

from collections.abc import Sequence


def row(cells: Sequence[str], widths: Sequence[int], left: int) -> str:
    """One line; the first `left` cells begin where their columns do, the others end there."""
    aligned = [
        f"{cell:<{width}}" if k < left else f"{cell:>{width}}"
        for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return " ".join(aligned).rstrip()


def rule(widths: Sequence[int]) -> str:
    """A line below the names of the columns."""
    return " ".join("-" * width for width in widths)


def seconds(value: float) -> str:
    """A time."""
    return f"{value:.3f} s" if value < 1 else f"{value:.2f} s"


def ratio(value: float) -> str:
    """How many times faster."""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
