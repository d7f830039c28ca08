"""Which methods are made of which networks? One function per way to deblur; networks come loaded, on their device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blurspace.errors import UsageError
from blurspace.restore.driver import Method
from blurspace.restore.finders import FieldFinder, KernelFinder
from blurspace.restore.learned import Learned
from blurspace.restore.mild import OneStep, find_softness
from blurspace.restore.network import network_method
from blurspace.restore.pair import pair_method, sized_pairs
from blurspace.restore.settings import FAST
from blurspace.restore.total_variation import total_variation

# The light that the networks have learned in: stored values. In sRGB's light the classical deconvolution gains more,
# 1 dB on shakes in light, 3 on mild softness; in stored values 0.4 less (our measurement on made photos).
LEARNED_IN = "linear"


@dataclass(frozen=True)
class Networks:
    """The networks of some weights files: of every `kind`, those that are there. `name`: what a method is called."""

    name: str
    kinds: Mapping[str, Sequence[Any]]  # nn.Module

    def one(self, *kinds: str) -> Any:
        """The network of the first of `kinds` that is there. Raises UsageError where there is none, or two."""
        found = next((self.kinds[kind] for kind in kinds if kind in self.kinds), ())
        if len(found) != 1:
            which = f"hold no network {kinds[0]}" if not found else f"hold {len(found)} networks {kinds[0]}"
            raise UsageError(f"the weights of {self.name} {which}: give the files of one such network and its partners")
        return found[0]


def classical(size: int | None) -> tuple[Method, ...]:
    """Estimate the kernel, of at most `size` px, and deconvolve with total variation."""
    return (Method("classical", KernelFinder(size), total_variation),)


def fast(size: int | None) -> tuple[Method, ...]:
    """As `classical`, with fewer searches in a smaller window."""
    return (Method("fast", KernelFinder(size, FAST), total_variation),)


def learned(networks: Networks, size: int | None) -> tuple[Method, ...]:
    """Estimate the kernel, deconvolve with the networks that were trained on such estimates, or with the only one."""
    both = Learned(networks.one("trusting", "deconvolver"), networks.one("wary", "deconvolver"))
    return (Method(networks.name, KernelFinder(size), both, response=LEARNED_IN),)


def auto(networks: Networks, size: int | None) -> tuple[Method, ...]:
    """The learned deconvolution, and where its receipt is bad the classical one or a field; one search for all.

    In light, which the networks have not seen in training, the classical one comes first. Where the whole is refused, a
    smaller step is tried: `mild`.
    """
    first = Networks("learned", networks.kinds)
    return (*learned(first, size), *classical(size), _field(size), *mild())


def mild() -> tuple[Method, ...]:
    """Read a softness from the edges' widths, without a search, and undo it in one step."""
    return (Method("mild", find_softness, OneStep, smaller=True),)


def rotation(size: int | None) -> tuple[Method, ...]:
    """Estimate a field of kernels as a turning camera leaves it, or one kernel where it did not turn."""
    return (_field(size), *classical(size))


def pair(networks: Networks) -> tuple[Method, ...]:
    """The paper's pair of networks, or pairs for kernels of several sizes and the classifier that chooses one.

    Raises UsageError where there are several of one side, one without its partner, or several and no classifier.
    """
    if "classifier" not in networks.kinds:
        return (pair_method(networks.one("analysis"), networks.one("synthesis"), name=networks.name),)
    analyses, syntheses = (
        sorted(networks.kinds.get(kind, ()), key=lambda one: one.side) for kind in ("analysis", "synthesis")
    )
    sides = [one.side for one in analyses]
    if sides != [one.side for one in syntheses] or len(set(sides)) < len(sides):
        raise UsageError(
            f"the weights of {networks.name} hold no analysis with its synthesis for each size of kernels: give all"
        )
    return (sized_pairs(list(zip(analyses, syntheses, strict=True)), networks.one("classifier"), name=networks.name),)


def at_once(networks: Networks) -> tuple[Method, ...]:
    """A network that restores at once; the kernel space reads for the receipt which blur it removed."""
    kind, *more = (kind for kind in networks.kinds if kind != "space")
    if more:
        raise UsageError(f"the weights of {networks.name} hold the networks {kind} and {more[0]}: give those of one")
    return (network_method(networks.one(kind), networks.one("space"), name=networks.name),)


def _field(size: int | None) -> Method:
    return Method("rotation", FieldFinder(KernelFinder(size)), total_variation)
