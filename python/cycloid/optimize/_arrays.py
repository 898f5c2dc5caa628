"""Arrays of numpy, JAX and PyTorch: what callables are given and what they return."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cycloid._inputs import Vector

Library: TypeAlias = Literal["numpy", "jax", "torch"]

_LIBRARIES: dict[str, Library] = {"jax": "jax", "jaxlib": "jax", "torch": "torch"}


def library_of(value: Any) -> Library:
    """Whose array this is; everything that is not JAX's or PyTorch's is numpy's."""
    return _LIBRARIES.get(type(value).__module__.partition(".")[0], "numpy")


def as_numpy(value: Any) -> NDArray[Any]:
    if library_of(value) == "torch":
        value = value.detach().cpu().resolve_conj().numpy()
    return np.asarray(value)


def as_library(library: Library, x: NDArray[Any]) -> Any:
    """x for a callable of that library; a copy, which the callable may write to."""
    if library == "numpy":
        return x.copy()
    if library == "torch":
        import torch

        return torch.from_numpy(x.copy())
    import jax.numpy as jnp

    return jnp.asarray(x)


def double_precision(library: Library) -> AbstractContextManager[Any]:
    """Where JAX computes in double precision, whatever its global setting."""
    if library != "jax":
        return nullcontext()
    import jax

    if hasattr(jax, "enable_x64"):
        context: AbstractContextManager[Any] = jax.enable_x64(True)
        return context
    from jax.experimental import enable_x64  # JAX before 0.8

    older: AbstractContextManager[Any] = enable_x64()
    return older


class Exact:
    """Derivatives of a function of one vector, written with JAX or PyTorch, by the library."""

    def __init__(self, library: Library, function: Callable[[Any], Any]) -> None:
        self._library = library
        if library == "jax":
            import jax
            import jax.numpy as jnp

            def components(x: Any) -> Any:
                return jnp.atleast_1d(function(x))

            def gradient(x: Any, v: Any) -> Any:
                return jax.grad(lambda point: components(point) @ v)(x)

            self._jacobian = jax.jit(jax.jacrev(components))
            self._hessian = jax.jit(jax.jacfwd(gradient))
            return
        import torch

        def weighted(x: Any, v: Any) -> Any:
            return torch.atleast_1d(function(x)) @ v

        self._jacobian = torch.func.jacrev(lambda x: torch.atleast_1d(function(x)))
        # Reverse mode twice: forward mode loads PyTorch's deprecated compiler.
        self._hessian = torch.func.jacrev(torch.func.grad(weighted))

    def jacobian(self, x: Vector) -> NDArray[np.float64]:
        with double_precision(self._library):
            return as_numpy(self._jacobian(as_library(self._library, x))).astype(np.float64)

    def hessian(self, x: Vector, v: Vector) -> NDArray[np.float64]:
        """Of v @ function."""
        with double_precision(self._library):
            given = (as_library(self._library, part) for part in (x, v))
            return as_numpy(self._hessian(*given)).astype(np.float64)
