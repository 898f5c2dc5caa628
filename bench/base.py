"""What the runner knows of a problem, whatever its family."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self


class Unavailable(Exception):
    """What a problem needs is not on this machine."""


def data_folder() -> Path:
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("CYCLOID_DATA", default))


class Verdict(NamedTuple):
    """``accuracy`` is what the targets are compared with; ``support`` counts what is not zero."""

    accuracy: float
    support: int


@dataclass(frozen=True)
class Ladder:
    """The tolerances that every solver of a family walks, from loose to tight.

    ``is_linear`` says that the accuracy reached is about proportional to the tolerance; then steps
    that cannot reach the next target need not be tried.
    """

    start: float = 1.0
    stop: float = 1e-14
    is_linear: bool = False

    def __iter__(self) -> Iterator[tuple[float, bool]]:
        """Tolerances in steps of sqrt(10), and whether the step is a full power of ten."""
        steps = round(2 * math.log10(self.start / self.stop))
        for k in range(steps + 1):
            yield float(self.start * 10.0 ** (-k / 2)), k % 2 == 0


class Problem(ABC):
    """A family of problems is a subclass; the registry in ``problems`` lists their names."""

    name: str
    targets: ClassVar[tuple[float, ...]]
    ladder: ClassVar[Ladder]

    @abstractmethod
    def judge(self) -> Callable[[Any], Verdict]:
        """The one function that judges every solver's solution."""

    @abstractmethod
    def small(self) -> Self:
        """A tiny problem of the same kind: compiles what is compiled at the first call."""


class Entry(NamedTuple):
    """One line of the registry; ``kind`` is known before any data are made."""

    kind: type[Problem]
    build: Callable[[], Problem]
