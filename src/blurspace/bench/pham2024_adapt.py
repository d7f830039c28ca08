"""Does a translator help a deblurrer of known blur with an unknown camera? Protocol `pham2024-adapt`: tables 2 to 6.

Pham et al. 2024, sections 4.2 and 4.4, and 7 of the supplement, with two made cameras (`blur.cameras`) in the place of
two data sets: the deblurrer knows "belt", the pictures are those of "mast", which blurs along the other axis, with
another response and another number of moments. A method is a row of a table. The paper trains for days on 256 px crops;
here all methods get the same few steps on one CPU thread, so only the order of rows may be compared with the paper.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from blurspace.bench import translations
from blurspace.bench.result import BenchResult, Progress, Row, no_progress
from blurspace.bench.translations import BANK, BASELINES, BATCH, CROP, FRAME, SEED, STEPS, Setting, World
from blurspace.blur.cameras import CAMERAS
from blurspace.builders import build_network
from blurspace.catalog import WEIGHTS
from blurspace.chance import chance
from blurspace.data.crops import SharpPhotos, rank
from blurspace.data.sources import from_scenes

KNOWN, UNKNOWN = "belt", "mast"
HOME = "home"  # the known deblurrer with pictures of the camera that it knows
SHORT_STEPS, LONG_STEPS = 200, 4000  # of the tables that vary one thing, and of our recipe, half an hour
TESTS, TEST_SIDE = 24, 256
PROTOCOL = (
    f"pham2024-adapt 1: unknown camera {UNKNOWN}, known {KNOWN} with its shipped deblurrer; {FRAME} px scenes of "
    f"train/photos, 0.6 of the photos blurry and 0.4 sharp unless the method says otherwise; {STEPS} steps "
    f"({SHORT_STEPS} for short and the methods with a colon, {LONG_STEPS} for long) of {BATCH} crops of {CROP} px, one "
    f"seed; tested on {TESTS} scenes of {TEST_SIDE} px of test/kodak24; PSNR over all colours, both rounded to 8 bits, "
    "mean"
)
SHORT = Setting(steps=SHORT_STEPS)
TRANSLATIONS: dict[str, Setting] = {
    "ours": Setting(),
    "blur2blur": Setting(
        losses={"pairs": 0.0, "through": 0.0, "adversarial": 1.0}, adam={"learning_rate": 2e-4, "first_beta": 0.5}
    ),
    "long": Setting(steps=LONG_STEPS),
    "short": SHORT,
    **{f"ratio:{share}": replace(SHORT, share=share) for share in (0.5, 0.7, 0.8, 0.9)},
    "network:mimo": replace(SHORT, network={"kind": "mimo", "widths": (12,), "blocks": 2}),
    "network:nafnet": replace(SHORT, network={"kind": "nafnet", "widths": (16,), "blocks": 1}),
    **{f"size:{size}": replace(SHORT, size=size) for size in (0.25, 0.5, 0.75)},
}
METHODS = ("blurry", HOME, "known", *TRANSLATIONS, *BASELINES)
# Of Pham et al. 2024, dB: table 2 (NAFNet, GoPro for REDS), table 3 (the same; 6:4 gives 28.11), tables 4 and 5 (GoPro
# for RB2V; a U-Net gives 22.54, all pictures 26.98). Other data, other networks and days of training.
PAPER = {
    **{"known": 25.80, "blur2blur": 28.11, "lines": 25.07, "practical": 26.39, "realistic": 26.32},
    **{"cyclegan": 23.92, "dualgan": 23.50, "source domain": 29.09},
    **{"ratio:0.5": 27.53, "ratio:0.7": 28.10, "ratio:0.8": 27.00, "ratio:0.9": 26.43},
    **{"network:mimo": 26.98, "network:nafnet": 20.54},
    **{"size:0.25": 25.45, "size:0.5": 25.93, "size:0.75": 26.32},
}
summary = translations.means_of


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Train the method and measure it; `data`: as the protocol says, `limit`: so many steps."""
    setting = TRANSLATIONS.get(method)
    world = make_world(data, setting or Setting(), tests_of=KNOWN if method == HOME else UNKNOWN)
    return translations.measured(world, method, setting, limit=limit, progress=progress)


def table(results: Sequence[BenchResult]) -> list[Row]:
    """One line per method, beside the paper's number."""
    return translations.table_of(results, METHODS, PAPER)


def make_world(data: Path, setting: Setting, *, tests_of: str = UNKNOWN) -> World:
    """Draw the camera's pictures, and the test's."""
    photos = SharpPhotos(data / "train/photos")
    order = sorted(range(len(photos.photos)), key=lambda place: rank(str(place)))
    order = order[: round(setting.size * len(order))]
    cut = round(setting.share * len(order))
    parts = [SharpPhotos.of([photos.photos[place] for place in places]) for places in (order[:cut], order[cut:])]
    source = from_scenes(parts[0], CAMERAS[UNKNOWN], side=FRAME)
    blurry = translations.rendered(source, len(parts[0].photos))
    sharp = translations.rendered(from_scenes(parts[1], CAMERAS[UNKNOWN], side=FRAME), len(parts[1].photos))
    known = from_scenes(parts[1], CAMERAS[KNOWN], side=FRAME)
    tests = from_scenes(SharpPhotos(data / "test/kodak24"), CAMERAS[tests_of], side=TEST_SIDE)
    return World(
        blurry=[stack[1] for stack in blurry],
        sharp=[stack[0] for stack in sharp],
        sharp_photos=parts[1],
        source=source,
        known_pairs=[known(chance(SEED, index), 1) for index in range(BANK)],
        known=build_network(WEIGHTS / f"{KNOWN}.safetensors"),
        tests=[tests(chance(SEED, index), 1) for index in range(TESTS)],
    )
