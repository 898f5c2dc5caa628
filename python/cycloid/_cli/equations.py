"""Equations of coefficients, as people write them: "age + 2 * bmi = 0.5"."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cycloid._cli.errors import InputError
from cycloid._cli.read import column_at

Matrix = npt.NDArray[np.float64]

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
# A sign, a factor, and a name, which has quotes around it where it holds + - * =.
_TERM = re.compile(
    rf"\s*(?P<sign>[+-]?)\s*(?:(?P<factor>{_NUMBER})\s*\*)?\s*"
    r"""(?:"(?P<quoted>[^"]+)"|(?P<name>[^-+*="]*[^-+*="\s]))\s*"""
)
_VALUE = re.compile(rf"\s*[+-]?\s*{_NUMBER}\s*$")


def equations(
    texts: Sequence[str], names: Sequence[str], path: str
) -> tuple[Matrix, npt.NDArray[np.float64]]:
    """A and b of equations "sum of factor * name = number" between coefficients of the features."""
    A = np.zeros((len(texts), len(names)))
    b = np.zeros(len(texts))
    for row, text in enumerate(texts):
        left, found, right = text.rpartition("=")
        if not found or not _VALUE.match(right):
            raise InputError(_message(text, "there is no '= number' at its end"))
        b[row] = float(right.replace(" ", ""))
        place = 0
        while place < len(left):
            term = _TERM.match(left, place)
            if term is None or (place > 0 and not term["sign"]):
                raise InputError(_message(text, f"'{left[place:].strip()}' is no term"))
            column = column_at(names, term["quoted"] or term["name"], path, "--equation")
            factor = float(term["factor"] or 1)
            A[row, column] += -factor if term["sign"] == "-" else factor
            place = term.end()
        if place == 0:
            raise InputError(_message(text, "there are no terms"))
    return A, b


def _message(text: str, reason: str) -> str:
    return (
        f"--equation '{text}': {reason}; write it as 'age + 2 * \"body-mass\" = 0.5', with quotes "
        "around names that hold + - * ="
    )
