"""Exact first and second derivatives of a formula, by arithmetic on truncated Taylor series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Jet:
    """A value with its gradient and Hessian.

    The value is numpy's scalar: what is undefined or too large gives NaN or infinity.
    """

    value: np.float64
    gradient: np.ndarray
    hessian: np.ndarray

    # numpy's scalars leave the arithmetic to us.
    __array_ufunc__ = None

    def __add__(self, other: Jet | float) -> Jet:
        if not isinstance(other, Jet):
            return Jet(self.value + other, self.gradient, self.hessian)
        return Jet(
            self.value + other.value, self.gradient + other.gradient, self.hessian + other.hessian
        )

    def __mul__(self, other: Jet | float) -> Jet:
        if not isinstance(other, Jet):
            return Jet(self.value * other, self.gradient * other, self.hessian * other)
        cross = np.outer(self.gradient, other.gradient)
        return Jet(
            self.value * other.value,
            self.value * other.gradient + other.value * self.gradient,
            self.value * other.hessian + other.value * self.hessian + cross + cross.T,
        )

    def __neg__(self) -> Jet:
        return self * -1.0

    def __sub__(self, other: Jet | float) -> Jet:
        return self + -other

    def __rsub__(self, other: float) -> Jet:
        return -self + other

    def __truediv__(self, other: Jet | float) -> Jet:
        return self * (other**-1 if isinstance(other, Jet) else 1.0 / other)

    def __rtruediv__(self, other: float) -> Jet:
        return other * self**-1

    def __pow__(self, power: int) -> Jet:
        x, p = self.value, float(power)
        # 0 * x**-1 is no number at x = 0, but the derivative is zero.
        first = p * x ** (p - 1) if p != 0 else np.float64(0)
        second = p * (p - 1) * x ** (p - 2) if p not in (0, 1) else np.float64(0)
        return self.chain(x**p, first, second)

    __radd__ = __add__
    __rmul__ = __mul__

    def chain(self, value: np.float64, first: np.float64, second: np.float64) -> Jet:
        """g(self) of a function g with this value and these derivatives at `self.value`."""
        curvature = second * np.outer(self.gradient, self.gradient)
        return Jet(value, first * self.gradient, first * self.hessian + curvature)


def variables(x: Sequence[float] | np.ndarray) -> list[Jet]:
    n = len(x)
    flat = np.zeros((n, n))
    return [Jet(np.float64(value), unit, flat) for value, unit in zip(x, np.eye(n), strict=True)]


def exp(x: Jet) -> Jet:
    value = np.exp(x.value)
    return x.chain(value, value, value)


def log(x: Jet) -> Jet:
    return x.chain(np.log(x.value), 1 / x.value, -1 / x.value**2)


def sin(x: Jet) -> Jet:
    return x.chain(np.sin(x.value), np.cos(x.value), -np.sin(x.value))


def cos(x: Jet) -> Jet:
    return x.chain(np.cos(x.value), -np.sin(x.value), -np.cos(x.value))


def sqrt(x: Jet) -> Jet:
    root = np.sqrt(x.value)
    return x.chain(root, 0.5 / root, -0.25 / root**3)


def arctan(x: Jet) -> Jet:
    slope = 1 / (1 + x.value**2)
    return x.chain(np.arctan(x.value), slope, -2 * x.value * slope**2)
