"""How is a deblurrer trained without pairs? By two translators that must undo each other and fool two critics.

CycleGAN (Zhu, Park, Isola and Efros 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks") and DualGAN (Yi, Zhang, Tan and Gong 2017, "DualGAN: Unsupervised Dual Learning for Image-to-Image
Translation") are twins: GAMES says in what they differ. Both are baselines in Pham et al. 2024.

Not as published: the translators are our `Restorer`, which starts as the identity (there ResNet and U-Net from
random weights), without DualGAN's noise by dropout; the critics see what is made now (CycleGAN: a pool of 50 older
pictures); pictures are in [0, 1] and not [-1, 1], so L1 distances count twice here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Generator, Tensor, nn

from blurspace.chance import chance, seeded
from blurspace.data.unpaired import UnpairedPhotos
from blurspace.errors import UsageError
from blurspace.nets.critic import PatchCritic
from blurspace.nets.restorer import Restorer
from blurspace.train.one_loss import VALIDATION_SEED, Report, picture_measures, sharp_photos
from blurspace.train.settings import CriticNetwork, CropSettings, LoopSettings, Strict
from blurspace.train.steps import Descent, Step, means
from blurspace.train.supervised import RestorerNetwork
from blurspace.types import Image, Pair

Draw = Callable[[Generator, int], Image]
Batch = list[tuple[Image, Image]]  # blurry and sharp, not of the same scenes, once per critic step
RANGE = 2.0  # of the papers' pixel values
TRANSLATORS, CRITICS = ("sharpen", "blur"), ("sharp_critic", "blurry_critic")


@dataclass(frozen=True)
class Game:
    """How translators and critics play, the losses of one of two directions.

    `critic`: from the verdicts on real and made pictures; `fool`: from those on made ones. `cycle`, `identity`: weights
    of the L1 distances after there and back, and of a picture that needs no change. `rounds`: critic steps for each of
    the translators; after each, critics' weights are cut to +- `clip`.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    fool: Callable[[Tensor], Tensor]
    cycle: float
    identity: float
    optimiser: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
    rounds: int = 1
    clip: float | None = None


GAMES: dict[str, Game] = {
    # Zhu 2017: least squares in section 4 (halved for critics: appendix 7.1), cycle 10 and Adam 2e-4 in section 4,
    # identity half of it in section 5.2; betas as the authors' code, after DCGAN.
    "cyclegan": Game(
        critic=lambda real, made: ((real - 1).square().mean() + made.square().mean()) / 2,
        fool=lambda made: (made - 1).square().mean(),
        cycle=10.0,
        identity=5.0,
        optimiser=partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.999)),
    ),
    # Yi 2017: Eqs. 1 to 3, the weight 100 to 1000 in section 3.1, 2 to 4 critic steps and clipping 0.01 to 0.1 in
    # section 3.3; RMSProp 5e-5 as Arjovsky et al. 2017, algorithm 1.
    "dualgan": Game(
        critic=lambda real, made: made.mean() - real.mean(),
        fool=lambda made: -made.mean(),
        cycle=100.0,
        identity=0.0,
        optimiser=partial(torch.optim.RMSprop, lr=5e-5),
        rounds=3,
        clip=0.01,
    ),
}


class UnpairedRecipe(Strict):
    """Recipe of the tasks "cyclegan" and "dualgan", whose weights and optimisers are in GAMES.

    `--data` has the folders `blurry` and `sharp`; `data.limit`: read only so many photos of each.
    """

    task: Literal["cyclegan", "dualgan"]
    loop: LoopSettings
    data: CropSettings
    restorer: RestorerNetwork = RestorerNetwork()
    critic: CriticNetwork = CriticNetwork()


class UnpairedTask:
    """A `loop.Task`: `networks` "sharpen" and "blur" translate, "sharp_critic" and "blurry_critic" judge.

    `game`: a name in GAMES. `blurry` and `sharp` draw pictures (count 3 side side) in [0, 1] on `device`, where
    `held_out` must be too. Raises UsageError on another game, or crops too small for the critic.
    """

    def __init__(
        self,
        game: str,
        *,
        blurry: Draw,
        sharp: Draw,
        batch: int,
        widths: Sequence[int],
        critic_width: int,
        critic_layers: int,
        seed: int,
        held_out: Sequence[Pair] = (),
        device: str = "cpu",
    ) -> None:
        """Make the networks, and a batch to validate with where there are no pairs held out."""
        if game not in GAMES:
            raise UsageError(f"the game {game!r} is not known: give one of {', '.join(GAMES)}")
        self.game, self.held_out = GAMES[game], held_out
        restorer: dict[str, Any] = {"widths": tuple(widths)}
        critic: dict[str, Any] = {"width": critic_width, "layers": critic_layers}
        with seeded(seed):
            translators = {name: Restorer(**restorer).to(device) for name in TRANSLATORS}
            critics = {name: PatchCritic(**critic).to(device) for name in CRITICS}
        self.networks: dict[str, nn.Module] = {**translators, **critics}
        self.architecture = dict.fromkeys(TRANSLATORS, restorer) | dict.fromkeys(CRITICS, critic)
        self.judges, makers = (nn.ModuleList(one.values()) for one in (critics, translators))
        make = self.game.optimiser
        self.optimisers = {"translators": make(makers.parameters()), "critics": make(self.judges.parameters())}
        self.draw = lambda generator: (blurry(generator, batch), sharp(generator, batch))
        self.fixed = self.draw(chance(VALIDATION_SEED, 0))
        with torch.no_grad():
            critics["sharp_critic"](self.fixed[1])  # crops that are too small are refused here

    def batch(self, generator: Generator) -> Batch:
        """New pictures for every critic step; the last ones are for the translators too."""
        return [self.draw(generator) for _ in range(self.game.rounds)]

    def step(self, batch: Batch) -> Step:
        """Critics first, then translators; the numbers are those of the last critic step."""
        for blurry, sharp in batch:
            judged = yield from self._train_critics(blurry, sharp)
        return judged | (yield from self._train_translators(*batch[-1]))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """How well pairs held out are restored; without any, only how far there and back is off, in [0, 1]."""
        if not self.held_out:
            blurry, sharp = self.fixed
            return {"cycle": float(self._cycle(blurry, sharp, *self._translate(blurry, sharp))) / RANGE}
        return means([picture_measures(self.networks["sharpen"](pair.blurry), pair) for pair in self.held_out])

    def _train_critics(self, blurry: Image, sharp: Image) -> Step:
        with torch.no_grad():
            made_sharp, made_blurry = self._translate(blurry, sharp)
        loss = self._judge("sharp_critic", sharp, made_sharp) + self._judge("blurry_critic", blurry, made_blurry)
        gradient = yield Descent(loss, self.optimisers["critics"])
        if self.game.clip is not None:
            for one in self.judges.parameters():
                one.data.clamp_(-self.game.clip, self.game.clip)
        return {"critics": float(loss.detach()), "critics_gradient": gradient}

    def _train_translators(self, blurry: Image, sharp: Image) -> Step:
        made_sharp, made_blurry = self._translate(blurry, sharp)
        fooling = self._fool("sharp_critic", made_sharp) + self._fool("blurry_critic", made_blurry)
        cycle = self._cycle(blurry, sharp, made_sharp, made_blurry)
        loss = fooling + self.game.cycle * cycle
        if self.game.identity:
            kept_sharp, kept_blurry = self._translate(sharp, blurry)
            loss = loss + self.game.identity * (_distance(kept_sharp, sharp) + _distance(kept_blurry, blurry))
        gradient = yield Descent(loss, self.optimisers["translators"])
        numbers = {"translators": loss, "fooling": fooling, "cycle": cycle / RANGE}
        return {name: float(one.detach()) for name, one in numbers.items()} | {"translators_gradient": gradient}

    def _translate(self, blurry: Image, sharp: Image) -> tuple[Image, Image]:
        return self.networks["sharpen"](blurry), self.networks["blur"](sharp)

    def _judge(self, critic: str, real: Image, made: Image) -> Tensor:
        judge = self.networks[critic]
        return self.game.critic(judge(real).float(), judge(made).float())

    def _fool(self, critic: str, made: Image) -> Tensor:
        return self.game.fool(self.networks[critic](made).float())

    def _cycle(self, blurry: Image, sharp: Image, made_sharp: Image, made_blurry: Image) -> Tensor:
        back_sharp, back_blurry = self._translate(made_blurry, made_sharp)
        return _distance(back_blurry, blurry) + _distance(back_sharp, sharp)


def build_unpaired(recipe: UnpairedRecipe, *, data: Path, device: str, report: Report) -> UnpairedTask:
    """The task; `data` holds the folders `blurry` and `sharp`, whose photos are no pairs.

    Raises NoInputError without photos at least as large as a crop, UsageError where crops are too small for the critic.
    """

    def drawing(name: str) -> Draw:
        photos = sharp_photos(data / name, part="all", limit=recipe.data.limit, report=report).photos
        pile = UnpairedPhotos(photos)
        return lambda generator, count: pile.draw(generator, count=count, side=recipe.data.side).to(device)

    return UnpairedTask(
        recipe.task,
        blurry=drawing("blurry"),
        sharp=drawing("sharp"),
        batch=recipe.data.batch,
        widths=recipe.restorer.widths,
        critic_width=recipe.critic.width,
        critic_layers=recipe.critic.layers,
        seed=recipe.loop.seed,
        device=device,
    )


def _distance(one: Image, other: Image) -> Tensor:
    """The mean absolute difference of pictures in [0, 1], as if they were in [-1, 1]."""
    return RANGE * (one.float() - other).abs().mean()
