"""Which generator does a seed and a step, or a name, stand for? All chance that must come out the same again."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def chance(seed: int, step: int) -> torch.Generator:
    """The generator (CPU) of one step: a function of (seed, step) alone, so a resumed run draws what it would have."""
    # A hash, because torch's CPU generator looks at the low 32 bits of a seed only.
    digest = hashlib.blake2b(f"{seed} {step}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))


def chance_of(name: str) -> torch.Generator:
    """The generator (CPU) of a name, so that what a picture gets does not depend on the other pictures."""
    return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big"))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within this block new networks get the weights of `seed`; torch's own generator is put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
