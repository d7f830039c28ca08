"""Which numbers did others publish for these sets, and where do they stand?

Data only: nothing here was measured by us, and nobody fills a gap. `psnr` in dB, `ssim` at most 1, means over the set;
None where the source gives no number.
"""

from collections.abc import Sequence

from blurspace.bench.result import Row

KAUFMAN_1 = "Kaufman and Fattal 2020, table 1"
KAUFMAN_2 = "Kaufman and Fattal 2020, table 2 (another protocol)"
# Numbers that came to us second hand: read, but not compared with the papers themselves.
COLLECTED = "collected, not checked against the paper"
SKIPPED = "without_8_9_10"  # the three biggest trajectories, which table 1 also leaves out


def _kohler(method: str, numbers: tuple[float | None, ...], source: str = KAUFMAN_1) -> Row:
    names = ("psnr", "ssim", f"psnr_{SKIPPED}", f"ssim_{SKIPPED}")
    return {"method": method, **dict(zip(names, numbers, strict=True)), "source": source}


def _two(method: str, psnr: float, ssim: float | None, source: str) -> Row:
    return {"method": method, "psnr": psnr, "ssim": ssim, "source": source}


# `ssim` is what the table calls MSSIM.
KOHLER: tuple[Row, ...] = (
    _kohler("Cho and Lee", (28.98, 0.933, 30.39, 0.953)),
    _kohler("Xu and Jia", (29.53, 0.944, 31.05, 0.964)),
    _kohler("Shan", (25.89, 0.842, 27.57, 0.905)),
    _kohler("Fergus", (22.73, 0.682, 24.06, 0.756)),
    _kohler("Krishnan", (25.72, 0.846, 27.90, 0.909)),
    _kohler("Whyte", (28.07, 0.848, 30.82, 0.941)),
    _kohler("Hirsch", (27.77, 0.852, 30.01, 0.945)),
    _kohler("DeepDeblur", (26.48, 0.807, None, None)),
    _kohler("DeblurGAN", (26.10, 0.816, None, None)),
    _kohler("DeblurGAN-v2", (26.97, 0.830, 28.87, 0.921)),
    _kohler("SRN", (27.06, 0.840, 29.22, 0.923)),
    _kohler("Kaufman and Fattal", (29.97, 0.915, 31.87, 0.961)),
    _kohler("Kaufman and Fattal, scale optimised", (30.22, 0.915, 32.24, 0.961)),
    _kohler("INR 2024", (30.69, 0.942, None, None), COLLECTED),
)

# In the protocol of `bench lai`.
LAI: tuple[Row, ...] = (
    _two("Kaufman and Fattal", 20.22, 0.650, COLLECTED),
    _two("SelfDeblur", 20.97, 0.752, COLLECTED),
    _two("VDIP", 25.12, None, COLLECTED),
    _two("INR 2024", 25.16, None, COLLECTED),
)

# In another protocol, adapted from Köhler's script: never to be compared with LAI, nor with what `bench lai` measures.
LAI_KOHLER_STYLE: tuple[Row, ...] = (
    _two("Sun", 20.47, 0.781, KAUFMAN_2),
    _two("Zhong", 18.95, 0.719, KAUFMAN_2),
    _two("Fergus", 15.60, 0.508, KAUFMAN_2),
    _two("Cho and Lee", 17.56, 0.636, KAUFMAN_2),
    _two("Xu and Jia", 20.78, 0.804, KAUFMAN_2),
    _two("Krishnan", 17.64, 0.659, KAUFMAN_2),
    _two("Levin", 16.57, 0.569, KAUFMAN_2),
    _two("Whyte", 17.444, 0.570, KAUFMAN_2),
    _two("Xu, unnatural L0", 19.86, 0.772, KAUFMAN_2),
    _two("Zhang", 16.70, 0.566, KAUFMAN_2),
    _two("Michaeli", 18.91, 0.662, KAUFMAN_2),
    _two("Pan", 19.33, 0.755, KAUFMAN_2),
    _two("Perrone", 19.18, 0.759, KAUFMAN_2),
    _two("DeblurGAN-v2", 17.98, 0.595, KAUFMAN_2),
    _two("SRN", 17.28, 0.590, KAUFMAN_2),
    _two("Kaufman and Fattal", 20.67, 0.799, KAUFMAN_2),
    _two("Kaufman and Fattal, scale optimised", 20.89, 0.819, KAUFMAN_2),
)

# Sun et al. show curves and give their results as files; no table in this protocol is at hand.
SUN: tuple[Row, ...] = ()


def beside(published: Sequence[Row], summary: Row) -> list[Row]:
    """The published rows and, as the last one, what a run measured; no row at all where none was published."""
    ours = {column: summary.get(f"mean_{column}") for column in (published or [{}])[0]}
    told = {"method": f"this run, {summary['method']}", "source": "measured here"}
    return [*published, {**ours, **told}] if published else []
