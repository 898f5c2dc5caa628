"""Small problems with equality constraints from the literature.

They are those of the experiments of Hong, Na, Mahoney and Kolar (2023) whose formulas are certain,
and BT1 and MARATOS. Names and starting points are those of CUTEst (Gould, Orban, Toint 2015). The
formulas were published by Hock and Schittkowski (1981; HS), by Boggs and Tolle (1989; BT), by
Himmelblau (1972), by More, Garbow and Hillstrom (1981) and by those named below.
"""

from __future__ import annotations

import itertools
import math

from tests.optimize.jets import arctan, cos, exp, log, sin, sqrt, variables
from tests.optimize.problem import Collection

STANDARD = Collection()

# ------------------------------------------------------------------- Hock and Schittkowski


@STANDARD.add("HS6", [-1.2, 1])
def _(x1, x2):
    return (1 - x1) ** 2, 10 * (x2 - x1**2)


@STANDARD.add("HS7", [2, 2], -math.sqrt(3))
def _(x1, x2):
    return log(1 + x1**2) - x2, (1 + x1**2) ** 2 + x2**2 - 4


@STANDARD.add("HS28", [-4, 1, 1])
def _(x1, x2, x3):
    return (x1 + x2) ** 2 + (x2 + x3) ** 2, x1 + 2 * x2 + 3 * x3 - 1


@STANDARD.add("HS40", [0.8] * 4, -0.25)
def _(x1, x2, x3, x4):
    return -x1 * x2 * x3 * x4, x1**3 + x2**2 - 1, x1**2 * x4 - x3, x4**2 - x2


@STANDARD.add("HS42", [1] * 4, 28 - 10 * math.sqrt(2))
def _(x1, x2, x3, x4):
    f = (x1 - 1) ** 2 + (x2 - 2) ** 2 + (x3 - 3) ** 2 + (x4 - 4) ** 2
    return f, x1 - 2, x3**2 + x4**2 - 2


@STANDARD.add("HS47", [2, math.sqrt(2), -1, 2 - math.sqrt(2), 0.5])
def _(x1, x2, x3, x4, x5):
    f = (x1 - x2) ** 2 + (x2 - x3) ** 3 + (x3 - x4) ** 4 + (x4 - x5) ** 4
    return f, x1 + x2**2 + x3**3 - 3, x2 - x3**2 + x4 - 1, x1 * x5 - 1


@STANDARD.add("HS48", [3, 5, -3, 2, -2])
def _(x1, x2, x3, x4, x5):
    f = (x1 - 1) ** 2 + (x2 - x3) ** 2 + (x4 - x5) ** 2
    return f, x1 + x2 + x3 + x4 + x5 - 5, x3 - 2 * (x4 + x5) + 3


@STANDARD.add("HS50", [35, -31, 11, 5, -5])
def _(x1, x2, x3, x4, x5):
    f = (x1 - x2) ** 2 + (x2 - x3) ** 2 + (x3 - x4) ** 4 + (x4 - x5) ** 2
    return f, x1 + 2 * x2 + 3 * x3 - 6, x2 + 2 * x3 + 3 * x4 - 6, x3 + 2 * x4 + 3 * x5 - 6


@STANDARD.add("HS51", [2.5, 0.5, 2, -1, 0.5])
def _(x1, x2, x3, x4, x5):
    f = (x1 - x2) ** 2 + (x2 + x3 - 2) ** 2 + (x4 - 1) ** 2 + (x5 - 1) ** 2
    return f, x1 + 3 * x2 - 4, x3 + x4 - 2 * x5, x2 - x5


@STANDARD.add("HS52", [2] * 5, 1859 / 349)
def _(x1, x2, x3, x4, x5):
    f = (4 * x1 - x2) ** 2 + (x2 + x3 - 2) ** 2 + (x4 - 1) ** 2 + (x5 - 1) ** 2
    return f, x1 + 3 * x2, x3 + x4 - 2 * x5, x2 - x5


@STANDARD.add(
    "HS56", [1, 1, 1, *[math.asin(math.sqrt(1 / 4.2))] * 3, math.asin(math.sqrt(5 / 7.2))], -3.456
)
def _(x1, x2, x3, x4, x5, x6, x7):
    bounds = [x - 4.2 * sin(angle) ** 2 for x, angle in ((x1, x4), (x2, x5), (x3, x6))]
    return -x1 * x2 * x3, *bounds, x1 + 2 * x2 + 2 * x3 - 7.2 * sin(x7) ** 2


def _powers(x1, x2, x3, x4, x5):
    return (x1 - 1) ** 2 + (x1 - x2) ** 2 + (x3 - 1) ** 2 + (x4 - 1) ** 4 + (x5 - 1) ** 6


@STANDARD.add("HS77", [2] * 5, 0.24150513)
def _(x1, x2, x3, x4, x5):
    c = x1**2 * x4 + sin(x4 - x5) - 2 * math.sqrt(2), x2 + x3**4 * x4**2 - 8 - math.sqrt(2)
    return _powers(x1, x2, x3, x4, x5), *c


@STANDARD.add("HS78", [-2, 1.5, 2, -1, -1], -2.91970041)
def _(x1, x2, x3, x4, x5):
    sphere = x1**2 + x2**2 + x3**2 + x4**2 + x5**2 - 10
    return x1 * x2 * x3 * x4 * x5, sphere, x2 * x3 - 5 * x4 * x5, x1**3 + x2**3 + 1


def _differences(x1, x2, x3, x4, x5):
    return (x1 - 1) ** 2 + (x1 - x2) ** 2 + (x2 - x3) ** 2 + (x3 - x4) ** 4 + (x4 - x5) ** 4


@STANDARD.add("HS79", [2] * 5, 0.0787768209)
def _(x1, x2, x3, x4, x5):
    c1 = x1 + x2**2 + x3**3 - 2 - 3 * math.sqrt(2)
    return _differences(x1, x2, x3, x4, x5), c1, x2 - x3**2 + x4 + 2 - 2 * math.sqrt(2), x1 * x5 - 2


@STANDARD.add("HS100LNP", [1, 2, 0, 4, 0, 1, 1], 680.6300573)
def _(x1, x2, x3, x4, x5, x6, x7):
    f = (x1 - 10) ** 2 + 5 * (x2 - 12) ** 2 + x3**4 + 3 * (x4 - 11) ** 2 + 10 * x5**6
    f += 7 * x6**2 + x7**4 - 4 * x6 * x7 - 10 * x6 - 8 * x7
    c1 = 2 * x1**2 + 3 * x2**4 + x3 + 4 * x4**2 + 5 * x5 - 127
    return f, c1, 4 * x1**2 + x2**2 - 3 * x1 * x2 + 2 * x3**2 + 5 * x6 - 11 * x7


@STANDARD.add("GENHS28", [-4, *[1] * 9], 0.9271736938)
def _(*x):
    f = sum((a + b) ** 2 for a, b in itertools.pairwise(x))
    return f, *(a + 2 * b + 3 * c - 1 for a, b, c in zip(x, x[1:], x[2:], strict=False))


# --------------------------------------------------------------------------- Boggs and Tolle


@STANDARD.add("BT1", [0.08, 0.06], -1)
def _(x1, x2):
    circle = x1**2 + x2**2 - 1
    return 100 * circle - x1, circle


@STANDARD.add("BT2", [10] * 3, 0.03256820039)
def _(x1, x2, x3):
    f = (x1 - 1) ** 2 + (x1 - x2) ** 2 + (x2 - x3) ** 4
    return f, x1 * (1 + x2**2) + x3**4 - 8.2426407


@STANDARD.add("BT3", [20] * 5, 176 / 43)
def _(x1, x2, x3, x4, x5):
    f = (x1 - x2) ** 2 + (x2 + x3 - 2) ** 2 + (x4 - 1) ** 2 + (x5 - 1) ** 2
    return f, x1 + 3 * x2, x3 + x4 - 2 * x5, x2 - x5


@STANDARD.add("BT5", [2] * 3, 961.71517219)
def _(x1, x2, x3):
    f = 1000 - x1**2 - 2 * x2**2 - x3**2 - x1 * x2 - x1 * x3
    return f, x1**2 + x2**2 + x3**2 - 25, 8 * x1 + 14 * x2 + 7 * x3 - 56


@STANDARD.add("BT6", [2] * 5, 0.2770447888)
def _(x1, x2, x3, x4, x5):
    c = x1**2 * x4 + sin(x4 - x5) - 2 * math.sqrt(2), x2 + x3**4 * x2**2 - 8 - math.sqrt(2)
    return _powers(x1, x2, x3, x4, x5), *c


@STANDARD.add("BT9", [2] * 4, -1)
def _(x1, x2, x3, x4):
    return -x1, x2 - x1**3 - x3**2, x1**2 - x2 - x4**2


@STANDARD.add("BT10", [2] * 2, -1)
def _(x1, x2):
    return -x1, x2 - x1**3, x1**2 - x2


@STANDARD.add("BT11", [2] * 5, 0.8248917783)
def _(x1, x2, x3, x4, x5):
    c1 = x1 + x2**2 + x3**3 + 2 - math.sqrt(18)
    return _differences(x1, x2, x3, x4, x5), c1, x2 - x3**2 + x4 + 2 - math.sqrt(8), x1 - x5 - 2


@STANDARD.add("BT12", [2] * 5, 6.188118812)
def _(x1, x2, x3, x4, x5):
    c = x1 + x2 - x3**2 - 25, x1**2 + x2**2 - x4**2 - 25, x1 - x5**2 - 2
    return 0.01 * x1**2 + x2**2, *c


@STANDARD.add("MWRIGHT", [-1, 2, 1, -2, -2], 24.97880953)
def _(x1, x2, x3, x4, x5):
    f = x1**2 + (x1 - x2) ** 2 + (x2 - x3) ** 3 + (x3 - x4) ** 4 + (x4 - x5) ** 4
    c = x1 + x2**2 + x3**2 - 2 - 3 * math.sqrt(2), x2 - x3**2 + x4 + 2 - 2 * math.sqrt(2)
    return f, *c, x1 * x5 - 2


@STANDARD.add("MARATOS", [1.1, 0.1], -1)
def _(x1, x2):
    """Maratos (1978): full Newton steps near the solution raise many merit functions."""
    circle = x1**2 + x2**2 - 1
    return -x1 + 1e-6 * circle, circle


_CENTRES = [(9, 9, 0), (6, -6, 0), (-9, -9, 0), (-6, 6, 0), (0, 0, 7), (0, 0, -7)]
_ELLIPSOID = [[0.5 + shift for shift in point] for point in _CENTRES]


@STANDARD.add("ORTHREGB", [1, 0, 0, 1, 0, 1, 0, 0, 0, *(v for point in _ELLIPSOID for v in point)])
def _(h11, h12, h13, h22, h23, h33, g1, g2, g3, *points):
    """Gulliksson (1990): orthogonal regression, a quadric through points that lie on one."""
    f, c = 0.0, []
    for (a, b, d), (x, y, z) in zip(_ELLIPSOID, zip(*[iter(points)] * 3, strict=True), strict=True):
        f += (x - a) ** 2 + (y - b) ** 2 + (z - d) ** 2
        squares = h11 * x**2 + h22 * y**2 + h33 * z**2
        products = h12 * x * y + h13 * x * z + h23 * y * z
        c.append(squares + 2 * products - 2 * (g1 * x + g2 * y + g3 * z) - 1)
    return f, *c


# ------------------------------------------------------------- systems of nonlinear equations


@STANDARD.add("BOOTH", [0, 0])
def _(x1, x2):
    return 0, x1 + 2 * x2 - 7, 2 * x1 + x2 - 5


@STANDARD.add("HIMMELBA", [8, 9])
def _(x1, x2):
    return 0, 4 * x1 - 20, x2 - 6


@STANDARD.add("HIMMELBC", [1, 1])
def _(x1, x2):
    return 0, x1**2 + x2 - 11, x1 + x2**2 - 7


@STANDARD.add("HIMMELBE", [-1.2, 2, 0])
def _(x1, x2, x3):
    return 0, 0.25 * (x1 + x2) ** 2 - x3, 1 - x1, 1 - x2


@STANDARD.add("ZANGWIL3", [100, -1, 2.5])
def _(x1, x2, x3):
    return 0, x1 - x2 + x3, -x1 + x2 + x3, x1 + x2 - x3


@STANDARD.add("SINVALNE", [4.712389, -1])
def _(x1, x2):
    return 0, 10 * (x2 - sin(x1)), 0.5 * x1


@STANDARD.add("RSNBRNE", [-1.2, 1])
def _(x1, x2):
    return 0, 10 * (x2 - x1**2), x1 - 1


@STANDARD.add("CUBENE", [-1.2, 1])
def _(x1, x2):
    return 0, x1 - 1, 10 * (x2 - x1**3)


@STANDARD.add("WAYSEA1NE", [1, 5])
def _(x1, x2):
    """Wayburn and Seader (1987)."""
    return 0, x1**6 + x2**4 - 17, 2 * x1 + x2 - 4


@STANDARD.add("WAYSEA2NE", [1, 5])
def _(x1, x2):
    return 0, -4 * x1**2 - 4 * x2**2 + 2.5 * x1 + 13 * x2 - 9.340125, x2 - 1


@STANDARD.add("PRICE4NE", [1, 5])
def _(x1, x2):
    """Price (1983): the Jacobian is singular at the root 0."""
    return 0, 2 * x1**3 * x2 - x2**3, 6 * x1 - x2**2 + x2


@STANDARD.add("GOTTFR", [0.5, 0.5])
def _(x1, x2):
    """Gottfried (1973)."""
    return 0, x1 - 0.1136 * (x1 + 3 * x2) * (1 - x1), x2 + 7.5 * (2 * x1 - x2) * (1 - x2)


@STANDARD.add("DENSCHNCNE", [2, 3])
def _(x1, x2):
    """Dennis and Schnabel (1983), and the next."""
    return 0, x1**2 + x2**2 - 2, exp(x1 - 1) + x2**3 - 2


@STANDARD.add("DENSCHNFNE", [2, 0])
def _(x1, x2):
    return 0, 2 * (x1 + x2) ** 2 + (x1 - x2) ** 2 - 8, 5 * x1**2 + (x2 - 3) ** 2 - 9


@STANDARD.add("HELIXNE", [-1, 0, 0])
def _(x1, x2, x3):
    turns = (arctan(x2 / x1) + (math.pi if x1.value < 0 else 0)) / (2 * math.pi)
    return 0, 10 * (x3 - 10 * turns), 10 * (sqrt(x1**2 + x2**2) - 1), x3


@STANDARD.add("TRIGON1NE", [0.1] * 10)
def _(*x):
    n, cosines = len(x), [cos(v) for v in x]
    total = sum(cosines)
    return 0, *(
        n - total + i * (1 - c) - sin(v) for i, (v, c) in enumerate(zip(x, cosines, strict=True), 1)
    )


@STANDARD.add("MOREBVNE", [t / 11 * (t / 11 - 1) for t in range(1, 11)])
def _(*x):
    h = 1 / (len(x) + 1)
    padded = (0, *x, 0)
    return 0, *(
        2 * v - padded[i - 1] - padded[i + 1] + h**2 * (v + i * h + 1) ** 3 / 2
        for i, v in enumerate(x, 1)
    )


@STANDARD.add("INTEQNE", [t / 11 * (t / 11 - 1) for t in range(1, 11)])
def _(*x):
    h = 1 / (len(x) + 1)
    times = [h * i for i in range(1, len(x) + 1)]
    cubes = [(v + t + 1) ** 3 for v, t in zip(x, times, strict=True)]
    rising = [t * cube for t, cube in zip(times, cubes, strict=True)]
    falling = [(1 - t) * cube for t, cube in zip(times, cubes, strict=True)]
    return 0, *(
        v + h / 2 * ((1 - t) * sum(rising[: i + 1]) + t * sum(falling[i + 1 :], 0 * v))
        for i, (v, t) in enumerate(zip(x, times, strict=True))
    )


def _mancino(value, i, j):
    root = sqrt(value**2 + i / j)
    logarithm = log(root)
    return root * (sin(logarithm) ** 5 + cos(logarithm) ** 5)


def _mancino_start(n: int) -> list[float]:
    zero = variables([0.0])[0]
    sums = [
        sum(_mancino(zero, i, j).value for j in range(1, n + 1) if j != i) for i in range(1, n + 1)
    ]
    factor = 14 * n / (14**2 * n**2 - 36 * (n - 1) ** 2)
    return [-factor * ((i - n / 2) ** 3 + total) for i, total in enumerate(sums, 1)]


@STANDARD.add("MANCINONE", _mancino_start(8))
def _(*x):
    """Mancino, as Toint (1983) states it, with 8 unknowns."""
    n = len(x)
    return 0, *(
        14 * n * v + (i - n / 2) ** 3 + sum(_mancino(v, i, j) for j in range(1, n + 1) if j != i)
        for i, v in enumerate(x, 1)
    )
