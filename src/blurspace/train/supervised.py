"""How is a network trained to deblur, from pairs alone? By the distance of what it restores to the sharp picture."""

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from blurspace.builders import make_network
from blurspace.chance import seeded
from blurspace.losses import charbonnier
from blurspace.train.on_pairs import PairSettings, pair_source
from blurspace.train.one_loss import OneLoss, Report, load_start, picture_measures
from blurspace.train.settings import Recipe, Strict
from blurspace.types import Pair

NETWORKS = ("restorer", "nafnet", "restormer")  # by their names in `builders.NETWORKS`, and of their tables


class RestorerNetwork(Strict):
    """The arguments of `nets.restorer.Restorer`, with its defaults."""

    widths: tuple[int, ...] = (32, 64, 96, 128)


class NafNetwork(Strict):
    """The arguments of `nets.nafnet.NafNet`, with its defaults."""

    width: int = 32
    encoder: tuple[int, ...] = (1, 1, 1, 28)
    middle: int = 1
    decoder: tuple[int, ...] = (1, 1, 1, 1)


class RestormerNetwork(Strict):
    """The arguments of `nets.restormer.Restormer`, with its defaults."""

    width: int = 48
    blocks: tuple[int, ...] = (4, 6, 6, 8)
    heads: tuple[int, ...] = (1, 2, 4, 8)
    refinement: int = 4
    expansion: float = 2.66


class SupervisedRecipe(Recipe):
    """Recipe of task "deblurrer", with one table for its network; `start`: weights to start from."""

    task: Literal["deblurrer"]
    data: PairSettings
    restorer: RestorerNetwork | None = None
    nafnet: NafNetwork | None = None
    restormer: RestormerNetwork | None = None
    start: Path | None = None

    @model_validator(mode="after")
    def _one_network(self) -> "SupervisedRecipe":
        if len(self.network) > 1:
            raise ValueError(f"{' and '.join(self.network)} are both given: give the table of one network")
        return self

    @property
    def network(self) -> dict[str, Strict]:
        """The network's name, and its arguments; a Restorer where none is given."""
        given = {name: getattr(self, name) for name in NETWORKS}
        return {name: one for name, one in given.items() if one is not None} or {"restorer": RestorerNetwork()}


def build_supervised(recipe: SupervisedRecipe, *, data: Path, device: str, report: Report) -> OneLoss[Pair]:
    """The task, with the Charbonnier loss, as Lai et al. 2017 and most deblurrers since.

    Raises NoInputError and UsageError as the sources do, ModelError on a wrong start.
    """
    source = pair_source(recipe.data, data=data, device=device, report=report)
    ((kind, settings),) = recipe.network.items()
    with seeded(recipe.loop.seed):
        network = make_network(kind, **settings.model_dump())
    load_start({kind: network}, recipe.start)
    return OneLoss(
        {kind: (network.to(device), settings)},
        source=source,
        adam=recipe.adam,
        loss=lambda pair: charbonnier(network(pair.blurry), pair.sharp),
        measure=lambda pair: picture_measures(network(pair.blurry), pair),
    )
