"""Which methods and models are there, and what was measured of each? The table itself; `catalog` works with it."""

from dataclasses import dataclass, field

# What `deblur` does where no method is asked for, and whose weights that needs.
AUTO, AUTO_WEIGHTS = "auto", "learned"


@dataclass(frozen=True)
class Card:
    """What is known about one method. `bytes` and `sha256` are those of its weights file, if it has one.

    `measured`: benchmark name -> numbers and, under `rows`, the committed file that they were computed from.
    `builder`: import path `module:name` of what makes the deblurrer.
    """

    name: str
    task: str
    builder: str
    parameters: int
    bytes: int
    sha256: str | None
    licence: str
    trained_on: str
    colour_space: str
    papers: tuple[str, ...]
    weights: str | None = None  # file name inside the package
    measured: dict[str, dict[str, float | str]] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """The contract's `models --json` object."""
        names = ("name", "task", "parameters", "bytes", "sha256", "licence", "trained_on", "measured")
        return {name: getattr(self, name) for name in (*names, "colour_space")} | {"papers": list(self.papers)}


CARDS: dict[str, Card] = {
    card.name: card
    for card in (
        Card(
            name="classical",
            task="deblur",
            builder="blurspace.restore.methods:classical",
            parameters=0,
            bytes=0,
            sha256=None,
            licence="Apache-2.0",
            trained_on="nothing: no weights",
            colour_space="linear light where the camera response is known, else display-referred; kernel on luminance",
            papers=("xu2013", "cho2009", "krishnan2011", "krishnan2009", "rudin1992", "almeida2013"),
            measured={
                "levin": {"mean_psnr": 33.25, "mean_ssim": 0.948, "rows": "benchmarks/levin-classical.csv"},
                "levin, true kernel": {
                    "mean_psnr": 34.59,
                    "mean_ssim": 0.956,
                    "rows": "benchmarks/levin-true-kernel.csv",
                },
                "synthetic, kodak24": {
                    "mean_psnr": 26.30,
                    "mean_ssim": 0.703,
                    "rows": "benchmarks/synthetic-classical.csv",
                },
                "synthetic, cid22": {
                    "mean_psnr": 28.21,
                    "mean_ssim": 0.786,
                    "rows": "benchmarks/synthetic-cid22-classical.csv",
                },
            },
        ),
        Card(
            name="learned",
            task="deblur",
            builder="blurspace.restore.methods:learned",
            parameters=1186728,
            bytes=2384056,
            sha256="4a32467a6940f8baa24005e77f5c6006bbc1a1b17b1e5a0316e2140c667652aa",
            weights="learned.safetensors",
            licence="Apache-2.0",
            trained_on="sharp photos under CC0, CC BY, Unsplash, MIT or in the public domain, with made blur",
            colour_space="as classical; the network sees colour, grey as three equal planes",
            papers=("kaufman2020", "zhang2022", "xu2013", "cho2009", "krishnan2011", "rudin1992", "almeida2013"),
            measured={
                "levin": {"mean_psnr": 33.61, "mean_ssim": 0.951, "rows": "benchmarks/levin-fourier-pair.csv"},
                "levin, true kernel": {
                    "mean_psnr": 34.48,
                    "mean_ssim": 0.956,
                    "rows": "benchmarks/levin-fourier-pair-true.csv",
                },
                "synthetic, kodak24": {
                    "mean_psnr": 26.48,
                    "mean_ssim": 0.714,
                    "rows": "benchmarks/synthetic-fourier-pair.csv",
                },
                "synthetic, cid22": {
                    "mean_psnr": 28.48,
                    "mean_ssim": 0.801,
                    "rows": "benchmarks/synthetic-cid22-fourier-pair.csv",
                },
            },
        ),
        Card(
            name="kaufman2020-small",
            task="deblur",
            builder="blurspace.restore.methods:kaufman2020_small",
            parameters=1249928,
            bytes=2516160,
            sha256="07f7157a5b12ce6580169efe247545ebc9df4904d2dc2d883294765586620b8e",
            weights="kaufman2020-small.safetensors",
            licence="Apache-2.0",
            trained_on="sharp photos under CC0, CC BY, Unsplash, MIT or in the public domain, with made blur",
            colour_space="display values as stored",
            papers=("kaufman2020",),
            measured={
                "synthetic, kodak24": {
                    "mean_psnr": 21.45,
                    "mean_ssim": 0.521,
                    "rows": "benchmarks/synthetic-kaufman2020-small.csv",
                },
                "synthetic, cid22": {
                    "mean_psnr": 22.49,
                    "mean_ssim": 0.614,
                    "rows": "benchmarks/synthetic-cid22-kaufman2020-small.csv",
                },
            },
        ),
        Card(
            name="rotation",
            task="deblur",
            builder="blurspace.restore.methods:rotation",
            parameters=0,
            bytes=0,
            sha256=None,
            licence="Apache-2.0",
            trained_on="nothing: no weights",
            colour_space="as classical",
            papers=("whyte2012", "hirsch2011", "gupta2010", "xu2013", "rudin1992", "almeida2013"),
        ),
        Card(
            name="kernel-space",
            task="kernel space",
            builder="blurspace.builders:build_space",
            parameters=104369,
            bytes=419988,
            sha256="cd7eb6dfcd75c3bb41f7791f5c8fc1d76af7afaef739fd4153f01d4a173443f0",
            weights="kernel-space.safetensors",
            licence="Apache-2.0",
            trained_on="sharp photos under CC0, CC BY, Unsplash, MIT or in the public domain, with made blur",
            colour_space="display values; which curve lies between them and light is part of each code",
            papers=("tran2021", "kingma2014"),
            measured={
                "transfer": {
                    "self-transfer, made camera hand": 41.02,
                    "self-transfer, made camera wheel": 40.44,
                    "self-transfer, GoPro": 39.96,
                    "self-transfer, REDS half": 33.55,
                    "median_seconds": 1.33,
                    "rows": "benchmarks/transfer.csv",
                },
            },
        ),
        Card(
            name="belt",
            task="deblur",
            builder="blurspace.restore.methods:restorer",
            parameters=311_852,
            bytes=628_336,
            sha256="b6c663928427a37b6e94bd2bf53a3506e9d5ff1509cb8ef96bf970f5402fae99",
            licence="Apache-2.0",
            trained_on="photos of permissive licences before the made camera belt (blur.cameras); recipes/belt.toml, "
            "15 minutes on one CPU thread; knows lines of 4 to 8 px along the rows and nothing else: it spoils photos "
            "with any other blur, by 6 dB along the columns",
            colour_space="display-referred RGB",
            papers=("nah2017", "pham2024"),
            weights="belt.safetensors",
            measured={
                "pham2024-adapt, at home": {
                    "mean_psnr": 30.34,
                    "mean_blurry_psnr": 26.91,
                    "rows": "benchmarks/pham2024-adapt-home.csv",
                },
            },
        ),
        Card(
            name="features",
            task="compare pictures by their features",
            builder="blurspace.builders:build_features",
            parameters=165_276,
            bytes=333_112,
            sha256="857a3545e41d5fafb96c95a27d3e48273bd7e4c83727d6ae8016665229cbb84f",
            licence="Apache-2.0",
            trained_on="photos of permissive licences, blurred by drawn kernels; recipes/features.toml, 10 minutes on "
            "one CPU thread",
            colour_space="display-referred RGB",
            papers=("dosovitskiy2014", "johnson2016"),
            weights="features.safetensors",
            measured={
                "features_check, kodak24": {
                    "blurred": 0.1696,
                    "other": 1.0217,
                    "matched": 0.8726,
                    "rows": "benchmarks/features-check.csv",
                },
            },
        ),
        Card(
            name="niqe",
            task="judge how natural a picture looks",
            builder="blurspace.builders:build_naturalness",
            parameters=1_332,
            bytes=5_888,
            sha256="35d8cfebf8d6da7d3f3ed7413f81510f7d365a39bd05d7fffbdc06faf38a3789",
            licence="Apache-2.0",
            trained_on="the sharp patches of 373 photos of permissive licences; benchmarks/niqe_model.py",
            colour_space="luminance of display-referred pictures",
            papers=("mittal2013",),
            weights="niqe.safetensors",
            measured={
                "niqe_check, kodak24": {"rank_correlation": 0.7565, "rows": "benchmarks/niqe-check.csv"},
            },
        ),
    )
}

# Known domains of blur, by name, and the method that undoes each.
KNOWN: dict[str, str] = {"belt": "belt", "shakes": AUTO}
