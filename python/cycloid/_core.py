"""The compiled core, built for the best level of this CPU.

Each level (x86-64 v2, v3, v4; ``generic`` elsewhere) is a whole extension module. One is chosen
here, once, and its names are re-exported. The environment variable ``CYCLOID_CPU_LEVEL`` overrides
the choice.
"""

import importlib
import importlib.util
import os

from cycloid._cpu import supported_levels as _supported_levels

_LEVELS = ("v4", "v3", "v2", "generic")  # the best first
_VARIABLE = "CYCLOID_CPU_LEVEL"

#: Levels that this installation contains, the best first.
built_levels = tuple(
    level for level in _LEVELS if importlib.util.find_spec(f"cycloid._core_{level}") is not None
)
#: Levels that this CPU can run, the best first.
supported_levels = _supported_levels()


def _choose(requested, built, supported):
    """Return the level to load: the requested one, or else the best that can run here."""
    usable = [level for level in built if level in supported]
    if not usable:
        raise ImportError(
            f"this CPU supports the levels {', '.join(supported)}, but cycloid was built for "
            f"{', '.join(built) or 'none'}. Install it from source on this machine."
        )
    if not requested:
        return usable[0]
    if requested in usable:
        return requested
    if requested not in _LEVELS:
        problem = "is not a level"
    elif requested not in built:
        problem = "is not built"
    else:
        problem = "is not supported by this CPU"
    raise ImportError(
        f"{_VARIABLE}={requested!r} {problem}. Choose from {', '.join(usable)}, or unset it."
    )


def _export(module, namespace):
    """Copy the public names of the chosen module, so that pickles do not depend on the level."""
    for name, value in vars(module).items():
        if name.startswith("_"):
            continue
        if getattr(value, "__module__", None) == module.__name__:
            value.__module__ = namespace["__name__"]
        namespace[name] = value


_export(
    importlib.import_module(
        "cycloid._core_" + _choose(os.environ.get(_VARIABLE), built_levels, supported_levels)
    ),
    globals(),
)
