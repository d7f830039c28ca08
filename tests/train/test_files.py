"""Does the file of each training say what it holds, so that every network can be built again from the file alone?"""

import pytest
import torch

from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.io.weights import load_into, read_weights
from blurspace.jobs.train import train_recipe
from blurspace.nets.analysis import Analysis, SizeClassifier
from blurspace.nets.critic import PatchCritic
from blurspace.nets.denoiser import Denoiser
from blurspace.nets.encoder_space import EncoderSpace
from blurspace.nets.features import FeatureNet
from blurspace.nets.kernel_space import BasisSpace
from blurspace.nets.nafnet import NafNet
from blurspace.nets.printer import Printer
from blurspace.nets.restorer import Restorer
from blurspace.nets.restormer import Restormer
from blurspace.nets.synthesis import Synthesis
from blurspace.nets.translator import Translator
from blurspace.train.recipes import TASKS
from blurspace.types import Photo

TRIPLETS = "[data]\nside = 64\nbatch = 2\nextents = [3, 9]\nsigmas = [0.0, 0.02]\nvalidation = 2\n"
PAIRS = '[data]\nkinds = ["shakes"]\nside = 48\nbatch = 2\nextents = [3, 9]\nkernel_side = 9\nvalidation = 2\n'
ANALYSIS = "[analysis]\nside = 9\nlevels = 1\nwidth = 4\nfeatures = 4\nfilter = 3\n"
SYNTHESIS = "[synthesis]\nside = 9\nwidth = 4\nhidden = 4\nlevels = 1\n"
CLASSIFIER = "[classifier]\nside = 9\nwidth = 4\nfeatures = 4\nfilter = 3\n"
SPACE = "[space]\ncount = 4\nside = 7\nstride = 16\n"
ENCODER = "[space]\nwidth = 4\ncode_width = 6\nfront_blocks = 1\nback_blocks = 1\nextractor_blocks = 1\n"
NAFNET = "[nafnet]\nwidth = 4\nencoder = [1]\nmiddle = 1\ndecoder = [1]\n"
RESTORMER = "[restormer]\nwidth = 4\nblocks = [1, 1]\nheads = [1, 2]\nrefinement = 1\n"
LINES = "[data]\nbatch = 2\nkernels = 4\nkernel_side = 7\nvalidation = 2\n"
PRINTER = "[printer]\nnumbers = 4\nwidth = 8\nblocks = 1\nmaps = [8, 6, 4]\nseen = [8, 6, 4]\n"
UNPAIRED = "[data]\nside = 48\nbatch = 1\n[restorer]\nwidths = [4]\n[critic]\nwidth = 4\nlayers = 1\n"
PLACES = "[data]\nside = 24\nbatch = 4\nplaces = 2\nplace = 44\nkernels = 8\nkernel_side = 9\n"
GAME = {"sharpen": Restorer, "blur": Restorer, "sharp_critic": PatchCritic, "blurry_critic": PatchCritic}
# Task, its tables, and what its file holds. The deconvolver's is in test_deconvolver.py, as its cases take long.
FILES = [
    ("analysis", TRIPLETS + ANALYSIS, {"analysis": Analysis}),
    ("synthesis", TRIPLETS + SYNTHESIS, {"synthesis": Synthesis}),
    ("pair", TRIPLETS + ANALYSIS + SYNTHESIS, {"analysis": Analysis, "synthesis": Synthesis}),
    ("classifier", TRIPLETS + CLASSIFIER, {"classifier": SizeClassifier}),
    ("denoiser", "[data]\nside = 16\nbatch = 2\nvalidation = 2\n[denoiser]\nwidths = [4]\n", {"denoiser": Denoiser}),
    ("kernel space", "start_batches = 2\n" + PAIRS + SPACE, {"space": BasisSpace}),
    ("encoder space", PAIRS + ENCODER, {"space": EncoderSpace}),
    ("code prior", PAIRS + SPACE + "latent = 3\n", {"space": BasisSpace}),
    ("deblurrer", PAIRS + "[restorer]\nwidths = [4]\n", {"restorer": Restorer}),
    ("deblurrer", PAIRS + NAFNET, {"nafnet": NafNet}),
    ("deblurrer", PAIRS + RESTORMER, {"restormer": Restormer}),
    ("cyclegan", UNPAIRED, GAME),
    ("dualgan", UNPAIRED, GAME),
    ("features", PLACES + "[features]\nwidths = [4, 8]\n", {"features": FeatureNet}),
    ("printer", LINES + PRINTER, {"printer": Printer}),
    (
        "translator",
        "[data]\nside = 16\nbatch = 1\nvalidation = 1\n[translator]\nwidths = [4]\n",
        {"translator": Translator, "critic": PatchCritic},
    ),
]


@pytest.fixture(scope="module")
def home(photos, tmp_path_factory):
    """Sharp photos; beside them the same as piles, and as pairs of a known domain."""
    folder = tmp_path_factory.mktemp("home")
    for index, path in enumerate(sorted(photos.iterdir())):
        write_bytes(folder / path.name, path.read_bytes(), overwrite=False)
        for name in ("sharp", "blurry", "known/sharp", "known/blur"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            picture = torch.rand(1, 3, 160, 160, generator=torch.Generator().manual_seed(index))
            photo = Photo.of(picture)
            write_bytes(folder / name / f"{index}.png", encode_photo(photo, photo.samples), overwrite=False)
    return folder


def test_every_task_is_here():
    assert {task for task, _, _ in FILES} | {"deconvolver"} == TASKS.keys()


@pytest.mark.parametrize(("task", "tables", "networks"), FILES, ids=[f"{row[0]}-{next(iter(row[2]))}" for row in FILES])
def test_every_network_is_built_again_from_the_file(home, tmp_path, task, tables, networks):
    text = f'task = "{task}"\n'
    if task == "code prior":
        (tmp_path / "space.toml").write_text(
            f'task = "kernel space"\nstart_batches = 2\n[loop]\nsteps = 1\n[adam]\nlearning_rate = 1e-3\n{PAIRS}{SPACE}'
        )
        space = train_recipe(tmp_path / "space.toml", data=home, out=tmp_path / "space")["weights"]
        text += f'start = "{space}"\ncollected = 2\ncells = 8\n'
    adam = "" if networks is GAME else "[adam]\nlearning_rate = 1e-3\n"
    first = tables.partition("[")[0]  # settings of no table come first
    (tmp_path / "tiny.toml").write_text(f"{text}{first}[loop]\nsteps = 2\n{adam}{tables.removeprefix(first)}")
    record = train_recipe(tmp_path / "tiny.toml", data=home, out=tmp_path / "run")
    tensors, about = read_weights(record["weights"])
    assert about["task"] == task
    assert about["architecture"].keys() == networks.keys()
    load_into({name: kind(**about["architecture"][name]) for name, kind in networks.items()}, tensors)
