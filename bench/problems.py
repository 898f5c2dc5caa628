"""The registry of all problems, whatever their family."""

from __future__ import annotations

from bench import constrained, graphs, linear, networks, transport
from bench.base import Entry, Problem, Unavailable

__all__ = ["Problem", "Unavailable", "kind", "load", "names"]

PROBLEMS: dict[str, Entry] = (
    linear.PROBLEMS
    | transport.PROBLEMS
    | networks.PROBLEMS
    | constrained.PROBLEMS
    | graphs.PROBLEMS
)


def names() -> list[str]:
    return list(PROBLEMS)


def load(name: str) -> Problem:
    """Build a problem; raises Unavailable (with the reason) when its data are absent."""
    return _entry(name).build()


def kind(name: str) -> type[Problem]:
    """The family of a problem, with its targets, known without its data."""
    return _entry(name).kind


def _entry(name: str) -> Entry:
    if name not in PROBLEMS:
        raise KeyError(f"unknown problem {name!r}; known: {', '.join(PROBLEMS)}")
    return PROBLEMS[name]
