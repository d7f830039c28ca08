"""How is a kernel searched for: how many searches are there, how far does each go, which one wins?

All values: our measurements (notebook).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchSettings:
    """What `candidates` follows; frozen, and passed in."""

    # What is looked at, and for what: px.
    widest: int = 119  # the bound of a kernel's extent unless given
    window: int = 512  # the side of what searches look at
    sides_in_picture: int = 4  # a picture must hold so many kernel sides
    # What a sharp photo is taken for.
    sparsity_per_variance: float = 10.0  # the weight of a gradient, per variance of the noise
    softness: float = 0.5  # px: of its edges
    # How many searches there are; levels count from the last, two of them halve the resolution.
    compared_at: int = 2  # the level at which searches are compared
    spread_at: int = 4  # that at which searches from many starts are compared
    spread: int = 2  # searches from many starts have so many bounds, each half of the last
    spread_going: int = 2  # so many searches from many starts go on to the others
    most_going: int = 2  # so many searches go on to the end
    near: float = 1.02  # with scores of at most so many times the best one's
    spoilt: float = 1.08  # a score so many times that of the kernel before: the last level spoilt it
    room: int = 2  # px more than its kernel for one that goes on
    # How a kernel is scored.
    compare_strength: float = 4e-4  # of the hyper-Laplacian deconvolution that they are compared by
    compare_iterations: int = 12  # of the same
    extent_threshold: float = 0.02  # of the peak: smaller values of a kernel do not count
    fineness: int = 2  # steps per px in which kernels are compared
    # Simple shapes beside what was searched for.
    shapes_window: int = 256  # px: the side of what they are tried on
    shapes_up_to: int = 61  # px: the side of kernels that may be one
    as_well: float = 1.015  # of two kinds with scores that differ by less, that which is more like what was found
    least_alike: float = 0.9  # a shape agrees so far with what was found: where there is noise, any explains a photo
    alike: float = 0.98  # one that agrees so far may score a little worse than what was found:
    simpler: float = 1.02  # so many times its score


# For who cannot wait: about half the time, and less gain on many photos (notebook).
FAST = SearchSettings(widest=61, window=320, spread_going=1, most_going=1, shapes_window=128)
