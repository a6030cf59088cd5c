"""The systems there are, by name, and which of them a protocol, a file or a folder is about.

Files, folders and sweeps from before there was a choice name none and mean the thermal machine.
"""

from collections.abc import Mapping
from typing import Any

from deepglass import checks
from deepglass.schema import FIRST_SYSTEM
from simulate.classifier.system import ClassifierSystem
from simulate.contract import System
from simulate.module.system import ModuleSystem
from simulate.perceptron.system import PerceptronSystem
from simulate.protocol import BaseProtocol
from simulate.relu.system import ReluSystem
from simulate.thermal.system import ThermalSystem

__all__ = ["SYSTEMS", "named", "of_attributes", "of_manifest", "system_in", "system_of"]

SYSTEMS: dict[str, System[Any, Any]] = {
    system.protocol.system: system
    for system in (ThermalSystem(), PerceptronSystem(), ReluSystem(), ClassifierSystem(), ModuleSystem())
}


def named(name: object) -> System[Any, Any]:
    """The system of this name; raises InvalidInput if there is none."""
    return SYSTEMS[checks.one_of("system", name, SYSTEMS)]


def system_of(protocol: BaseProtocol) -> System[Any, Any]:
    """The system of a protocol; raises InvalidInput if it is not one of those there are."""
    return named(protocol.system)


def system_in(attributes: Mapping[str, Any]) -> System[Any, Any]:
    """The system that attributes of a run, or the manifest of an unfinished one, name; raises as above."""
    return named(attributes.get("system", FIRST_SYSTEM))


def of_attributes(attributes: Mapping[str, Any]) -> BaseProtocol:
    """The protocol in the attributes of a finished run; raises InvalidInput if there is none."""
    protocol: BaseProtocol = system_in(attributes).protocol.from_json(str(attributes["protocol"]))
    return protocol


def of_manifest(manifest: Mapping[str, Any]) -> BaseProtocol:
    """The protocol in the manifest of an unfinished run; raises InvalidInput if there is none."""
    protocol: BaseProtocol = system_in(manifest).protocol.from_values(manifest.get("protocol"))
    return protocol
