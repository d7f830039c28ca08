"""How is a network trained to deblur, from pairs alone? By the distance of what it restores to the sharp picture."""

from pathlib import Path
from typing import Literal

from blurspace.io.weights import load_into, read_weights
from blurspace.losses import charbonnier
from blurspace.metrics import psnr
from blurspace.nets.restorer import Restorer
from blurspace.train.on_pairs import PairSettings, PairSource, PairTask, pair_source, pair_task
from blurspace.train.on_triplets import Report
from blurspace.train.settings import AdamSettings, LoopSettings, Strict
from blurspace.train.steps import seeded


class RestorerNetwork(Strict):
    """The arguments of `nets.restorer.Restorer`, with its defaults."""

    widths: tuple[int, ...] = (32, 64, 96, 128)


class SupervisedRecipe(Strict):
    """Recipe of task "deblurrer"; `start`: weights to start from."""

    task: Literal["deblurrer"]
    loop: LoopSettings
    adam: AdamSettings
    data: PairSettings
    restorer: RestorerNetwork = RestorerNetwork()
    start: Path | None = None


def build_supervised(recipe: SupervisedRecipe, *, data: Path, device: str, report: Report) -> PairTask:
    """The task. Raises NoInputError and UsageError as the sources do, ModelError on a wrong start."""
    source = pair_source(recipe.data, data=data, device=device, report=report)
    task = supervised_task(recipe.restorer, source=source, adam=recipe.adam, seed=recipe.loop.seed, device=device)
    if recipe.start is not None:
        load_into(task.networks, read_weights(recipe.start)[0])
    return task


def supervised_task(
    network: RestorerNetwork, *, source: PairSource, adam: AdamSettings, seed: int = 0, device: str = "cpu"
) -> PairTask:
    """The same from any source of pairs. Charbonnier loss, as Lai et al. 2017 and most deblurrers since."""
    with seeded(seed):
        restorer = Restorer(**network.model_dump())
    restorer.to(device)
    return pair_task(
        {"restorer": restorer},
        architecture={"restorer": network.model_dump()},
        source=source,
        adam=adam,
        loss=lambda pair, _: charbonnier(restorer(pair.blurry), pair.sharp),
        measure=lambda pair: {
            "psnr": psnr(restorer(pair.blurry).clamp(0, 1), pair.sharp),
            "blurry_psnr": psnr(pair.blurry.clamp(0, 1), pair.sharp),
        },
    )
