"""What the options of the command line take: text to values, or a reason why not."""

import argparse
import math
from collections.abc import Callable


def integer(low: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low:
            raise argparse.ArgumentTypeError(f"'{text}' is not an integer >= {low}")
        return value

    return convert


def real(low: float, high: float = math.inf, open_low: bool = False) -> Callable[[str], float]:
    expected = f"a number {'>' if open_low else '>='} {low:g}"
    if high < math.inf:
        expected += f" and <= {high:g}"

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        inside = (low < value if open_low else low <= value) and value <= high
        if not inside or math.isinf(value):  # NaN is not inside
            raise argparse.ArgumentTypeError(f"'{text}' is not {expected}")
        return value

    return convert


def output_file(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("the name of the file is empty")
    return text
