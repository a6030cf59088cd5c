"""Named sets of parameters: how to repeat a published machine. What is not named keeps its default.

``huang2025`` is the reading of arXiv:2506.06789 that comes nearest to its printed curves;
``huang2025-as-printed`` is what its text says. docs/readings.md compares them, and many more.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from deepglass import checks
from simulate.thermal.protocol import Protocol

_SHARED = {
    "data": "mnist", "depth": 10, "width": 10, "patterns": 1715,
    "temperature": 1e-5, "dt": 0.01, "eta": 1e-3, "thermostat": "per-step", "c_scale": "1",
}  # fmt: skip

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "huang2025": MappingProxyType({**_SHARED, "start": "small", "velocities": "kept"}),
        "huang2025-as-printed": MappingProxyType({**_SHARED, "start": "uniform", "velocities": "fresh"}),
    }
)
"""Parameters by name of the preset. M = 1715 is what the 10,000-image set of MNIST leaves beside 400 test
images; the paper has 2000."""


def preset(name: str, **changes: Any) -> Protocol:
    """The protocol of a preset, with ``changes``; raises InvalidInput for a name that is none."""
    return Protocol(**{**PRESETS[checks.one_of("preset", name, PRESETS)], **changes})
