"""Fast, certified solvers.

Sub-packages are imported when they are first used:

* :mod:`cycloid.linear_model` -- sparse linear models with a certificate of optimality.
* :mod:`cycloid.ot` -- entropic optimal transport to machine precision.
* :mod:`cycloid.neural_network` -- two-layer ReLU networks with a bound on the global optimum.
* :mod:`cycloid.optimize` -- smooth problems with equality constraints.
* :mod:`cycloid.semi_supervised` -- labels for the unlabelled nodes of a graph.
* :mod:`cycloid.sketch` -- random matrices that compress the rows of a tall matrix.
"""

import importlib
from typing import TYPE_CHECKING, Any

from cycloid import _core

if TYPE_CHECKING:
    from cycloid import linear_model, neural_network, optimize, ot, semi_supervised, sketch

    __version__: str

__all__ = [
    "__version__",
    "linear_model",
    "neural_network",
    "optimize",
    "ot",
    "semi_supervised",
    "show_config",
    "sketch",
]

_SUBPACKAGES = frozenset(
    {"linear_model", "neural_network", "optimize", "ot", "semi_supervised", "sketch"}
)


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "__version__":
        from importlib.metadata import version

        globals()[name] = version(__name__)
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))


def show_config() -> None:
    """Print what a bug report needs: versions, how the core was built, and the CPU level in use."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    def version_or_dash(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "-"

    rows = {
        "cycloid": version_or_dash("cycloid"),
        "CPU level": f"{_core.level} (built: {', '.join(_core.built_levels)}; "
        f"supported here: {', '.join(_core.supported_levels)})",
        **_core.build_info,
        "threads": str(_core.max_threads()),
        "Python": platform.python_version(),
        "platform": platform.platform(),
        **{name: version_or_dash(name) for name in ("numpy", "scipy", "scikit-learn")},
    }
    width = max(map(len, rows))
    for key, value in rows.items():
        print(f"{key:<{width}}  {value}")
