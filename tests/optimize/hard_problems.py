"""Small problems that are degenerate, badly scaled, or lose the rank of their constraints.

Names, sources and starting points are as in `problems`, and S for Schittkowski (1987).
"""

from __future__ import annotations

import math

from tests.optimize.jets import cos, exp, log, sin
from tests.optimize.problem import Collection

HARD = Collection()


@HARD.add("HS8", [2, 1], -1)
def _(x1, x2):
    return -1, x1**2 + x2**2 - 25, x1 * x2 - 9


@HARD.add("HS9", [0, 0], -0.5)
def _(x1, x2):
    return sin(math.pi / 12 * x1) * cos(math.pi / 16 * x2), 4 * x1 - 3 * x2


@HARD.add("HS26", [-2.6, 2, 2])
def _(x1, x2, x3):
    return (x1 - x2) ** 2 + (x2 - x3) ** 4, (1 + x2**2) * x1 + x3**4 - 3


@HARD.add("HS27", [2] * 3, 0.04)
def _(x1, x2, x3):
    return 0.01 * (x1 - 1) ** 2 + (x2 - x1**2) ** 2, x1 + x3**2 + 1


@HARD.add("HS46", [math.sqrt(2) / 2, 1.75, 0.5, 2, 2])
def _(x1, x2, x3, x4, x5):
    f = (x1 - x2) ** 2 + (x3 - 1) ** 2 + (x4 - 1) ** 4 + (x5 - 1) ** 6
    return f, x1**2 * x4 + sin(x4 - x5) - 1, x2 + x3**4 * x4**2 - 2


@HARD.add("HS49", [10, 7, 2, -3, 0.8])
def _(x1, x2, x3, x4, x5):
    f = (x1 - x2) ** 2 + (x3 - 1) ** 2 + (x4 - 1) ** 4 + (x5 - 1) ** 6
    return f, x1 + x2 + x3 + 4 * x4 - 7, x3 + 5 * x5 - 6


@HARD.add("HS61", [0] * 3, -143.6461422)
def _(x1, x2, x3):
    f = 4 * x1**2 + 2 * x2**2 + 2 * x3**2 - 33 * x1 + 16 * x2 - 24 * x3
    return f, 3 * x1 - 2 * x2**2 - 7, 4 * x1 - x3**2 - 11


_ENERGIES = (-6.089, -17.164, -34.054, -5.914, -24.721, -14.986, -24.1, -10.708, -26.662, -22.179)


@HARD.add("HS111LNP", [-2.3] * 10, -47.76109086)
def _(*x):
    """Chemical equilibrium (Bracken and McCormick 1968)."""
    e = [exp(v) for v in x]
    logarithm = log(sum(e))
    f = sum(a * (g + v - logarithm) for a, g, v in zip(e, _ENERGIES, x, strict=True))
    hydrogen = e[0] + 2 * e[1] + 2 * e[2] + e[5] + e[9] - 2
    nitrogen = e[3] + 2 * e[4] + e[5] + e[6] - 1
    return f, hydrogen, nitrogen, e[2] + e[6] + e[7] + 2 * e[8] + e[9] - 1


for _name, _divisor, _optimum in (
    ("S316", 100, 334.31458), ("S317", 64, 372.46661), ("S318", 36, 412.75005),
    ("S319", 16, 452.40440), ("S320", 4, 485.53146), ("S321", 1, 496.11237),
    ("S322", 0.01, 499.96001),
):  # fmt: skip

    @HARD.add(_name, [0, 0], _optimum)
    def _(x1, x2, divisor=_divisor):
        """At the start the constraint's gradient vanishes."""
        return (x1 - 20) ** 2 + (x2 + 20) ** 2, x1**2 / 100 + x2**2 / divisor - 1


@HARD.add("BT4", [3.1494, 1.4523, -3.6017], 3.289037738)
def _(x1, x2, x3):
    return x1 - x2 + x2**3, x1**2 + x2**2 + x3**2 - 25, x1 + x2 + x3 - 1


@HARD.add("BT7", [-2, 1, 1, 1, 1], 306.5)
def _(x1, x2, x3, x4, x5):
    f = 100 * (x2 - x1**2) ** 2 + (1 - x1) ** 2
    return f, x1 * x2 - x3**2 - 1, x2**2 - x4**2 + x1, x1 + x5**2 - 0.5


@HARD.add("BT8", [1, 1, 1, 0, 0], 1)
def _(x1, x2, x3, x4, x5):
    """The constraints' gradients are dependent at the solution."""
    return x1**2 + x2**2 + x3**2, x1 + x2**2 - x4**2 - 1, x1**2 + x2**2 - x5**2 - 1


@HARD.add("BYRDSPHR", [5, 1e-4, -1e-4], -0.5 - math.sqrt(17.5))
def _(x1, x2, x3):
    """Byrd (1990): at the start both spheres have nearly one normal."""
    rest = x2**2 + x3**2 - 9
    return -x1 - x2 - x3, x1**2 + rest, (x1 - 1) ** 2 + rest


@HARD.add("FLT", [1, 0])
def _(x1, x2):
    """Fletcher: the Jacobian vanishes on all of the feasible set."""
    return (1 - x2) ** 2, x1**2, x1**3


@HARD.add("HIMMELBD", [1, 1])
def _(x1, x2):
    """The roots have x1 -21.03 and 20.46; the residual has a local minimum next to the start."""
    return 0, x1**2 + 12 * x2 - 1, 49 * (x1**2 + x2**2) + 84 * x1 + 2324 * x2 - 681


@HARD.add("CLUSTER", [0, 0])
def _(x1, x2):
    return 0, (x1 - x2**2) * (x1 - sin(x2)), (cos(x2) - x1) * (x2 - cos(x1))


@HARD.add("HYPCIR", [0, 1])
def _(x1, x2):
    return 0, x1 * x2 - 1, x1**2 + x2**2 - 4


@HARD.add("POWELLBS", [0, 1])
def _(x1, x2):
    """Powell (1970), badly scaled."""
    return 0, 1e4 * x1 * x2 - 1, exp(-x1) + exp(-x2) - 1.0001


@HARD.add("POWELLSQ", [3, 1])
def _(x1, x2):
    """Powell (1970): Newton's method with a line search on the residual ends where it is not 0."""
    return 0, x1**2, 10 * x1 / (x1 + 0.1) + 2 * x2**2


@HARD.add("POWELLSE", [3, -1, 0, 1])
def _(x1, x2, x3, x4):
    """Powell (1962), as More, Garbow and Hillstrom scale it: rank 2 at the root."""
    return 0, x1 + 10 * x2, 5**0.5 * (x3 - x4), (x2 - 2 * x3) ** 2, 10**0.5 * (x1 - x4) ** 2


@HARD.add("HATFLDF", [0.1] * 3)
def _(x1, x2, x3):
    """Hatfield (1977)."""
    return 0, *(x1 + x2 * exp(k * x3) - v for k, v in ((1, 0.032), (2, 0.056), (3, 0.099)))
