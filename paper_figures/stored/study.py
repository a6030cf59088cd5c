"""A study: ensembles that are simulated together, and the sizes it can have."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from simulate.protocol import BaseProtocol

SIZES = ("smoke", "laptop", "paper")


@dataclass(frozen=True)
class Study:
    """Ensembles by label (``N=10``).

    Attributes:
        name: also that of its folder of results.
        ensembles: protocols by label, with all their samples.
        split: samples of one run; None: all in one, as matrices between all machines want it.
        keep: variables of a result that are kept; None: all.
        bundled: whether all results go into one file: there are many, and each is small.
    """

    name: str
    ensembles: Mapping[str, BaseProtocol]
    split: int | None = 1
    keep: tuple[str, ...] | None = None
    bundled: bool = False

    def parts(self, label: str) -> list[BaseProtocol]:
        """The runs of an ensemble."""
        whole = self.ensembles[label]
        size = min(self.split or whole.samples, whole.samples)
        return [
            replace(whole, first_sample=first, samples=min(size, whole.samples - first))
            for first in range(0, whole.samples, size)
        ]
