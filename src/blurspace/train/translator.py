"""How is a translator trained to give a camera's unknown blur the look of a known one? Blur2Blur, and pairs made up.

Pham et al. 2024, section 3.2 (Eq. 3 to 7): pictures of the camera (the paper's B) are translated; a critic learns to
tell them from sharp pictures of the same camera under known blur (K), the translator to fool it, while features of what
it gives stay near those of what it got. In the paper's letters: G, translator; D, critic; y, blurry; S, sharp.

Ours, and most of the quality where minutes count: pairs made up of S. A guess at the camera's blur (`train.unknown`)
and one blur of the known domain, on the same sharp picture, say what a translation should be, pixel by pixel. If the
known deblurrer is a network, it is asked as well whether it makes the sharp picture of that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Generator, Tensor, nn

from blurspace.chance import chance, seeded
from blurspace.data.triplets import Tensors
from blurspace.data.unpaired import UnpairedPhotos, draw_unturned
from blurspace.errors import UsageError
from blurspace.losses import charbonnier, critic_loss, fooling_loss, gradient_penalty, perceptual
from blurspace.metrics import psnr
from blurspace.nets.critic import PatchCritic
from blurspace.nets.mimo_unet import STEP, scales
from blurspace.nets.translator import Kind, Translator
from blurspace.train.settings import AdamSettings, CriticNetwork, Strict
from blurspace.train.steps import Descent, Step, make_adam, means
from blurspace.train.unknown import CameraGuess
from blurspace.types import AnyImage, Image

Features = Callable[[Image], Sequence[Tensor]]
PICTURES = ("blurry", "known", "sharp", "made", "target")  # of a batch
VALIDATION_SEED = 2403  # of the made pairs that are measured: always the same, so that runs can be compared
# Section 4.1: the curriculum's share of a batch begins to grow at 200 K of 1 M steps. That it is whole where the rate
# begins to fall, at half of them, is our reading of "incrementally".
GROWS_FROM, WHOLE_AT = 0.2, 0.5
LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))


class TranslatorNetwork(Strict):
    """The arguments of `nets.translator.Translator`, with its defaults."""

    kind: Kind = "unet"
    widths: tuple[int, ...] = (32, 48, 64)
    blocks: int = 2


class TranslationLosses(Strict):
    """What the losses count; the paper's own are 0 of pairs and through, 1 of adversarial, and the defaults."""

    pairs: float = Field(default=1.0, ge=0, description="made pairs: distance to the known blur, at three scales")
    through: float = Field(default=0.0, ge=0, description="made pairs: distance of what the deblurrer makes of it")
    adversarial: float = Field(default=1.0, ge=0)
    reconstruction: float = Field(default=0.8, ge=0, description="lambda_rec of section 4.1; unused without the game")
    gradient: float = Field(default=0.005, ge=0, description="lambda_grad of section 4.1")
    first_share: float = Field(default=0.5, gt=0, le=1, description="of a batch, at first: section 4.1")


class TranslationData(Strict):
    """Which pieces are drawn; `side` px is also that of the made pairs."""

    side: int = Field(gt=0)
    batch: int = Field(gt=0, description="of the camera's pictures; as many of known blur, and as many made pairs")
    validation: int = Field(default=16, gt=0, description="made pairs of pictures that training never sees")


@dataclass(frozen=True, eq=False)
class TranslatorBatch(Tensors):
    """All (b 3 side side): the camera's blur, known blur, and made pairs: sharp, camera-like blur, known blur."""

    blurry: Image
    known: Image
    sharp: Image
    made: Image
    target: Image
    generator: Generator


@dataclass(frozen=True, eq=False)
class Piles:
    """What a translator learns from: the camera's blurry pictures, and stacks uint8 (3 3 h w) of its sharp ones.

    A stack is a sharp picture, the same under some known blur (for the critic), and under the one known blur that made
    pairs aim at. `held_out`: stacks that training never sees. `guess`: of the camera's blur.
    """

    blurry: UnpairedPhotos
    stacks: Sequence[Tensor]
    held_out: Sequence[Tensor]
    guess: CameraGuess

    def draw(self, generator: Generator, data: TranslationData, *, held_out: bool = False) -> TranslatorBatch:
        """A batch by chance."""
        count, side, stacks = data.batch, data.side, self.held_out if held_out else self.stacks
        blurry = self.blurry.draw(generator, count=count, side=side)
        known = draw_unturned(stacks, generator, count=count, side=side)[:, 1]
        roomy = draw_unturned(stacks, generator, count=count, side=side + 2 * self.guess.reach)
        made = self.guess.photograph(roomy[:, 0], generator)
        inner = self.guess.inner(roomy)
        return TranslatorBatch(blurry, known, inner[:, 0], made, inner[:, 2], generator)


class TranslatorTask:
    """A `loop.Task` with a curriculum (`loop.Paced`).

    `features` of the reconstruction loss; `deblur`: the known deblurrer, frozen, if it is a network. Raises UsageError
    where the losses leave nothing to learn, or crops are too small for the critic.
    """

    def __init__(
        self,
        piles: Piles,
        *,
        network: TranslatorNetwork,
        critic: CriticNetwork,
        losses: TranslationLosses,
        data: TranslationData,
        adam: AdamSettings,
        features: Features,
        deblur: Callable[[Image], Image] | None,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        """Make the networks, their optimisers, and the pairs to validate with."""
        if not (losses.adversarial or losses.pairs or (losses.through and deblur is not None)):
            raise UsageError("the losses leave nothing to learn: give pairs or adversarial a weight above 0")
        self.piles, self.data, self.losses, self.clip = piles, data, losses, adam.clip
        self.features, self.deblur, self.share = features, deblur, 1.0
        self.architecture = {"translator": network.model_dump(), "critic": critic.model_dump()}
        self.networks: dict[str, nn.Module] = {}
        with seeded(seed):
            self.networks["translator"] = Translator(**self.architecture["translator"])
            self.networks["critic"] = judge = PatchCritic(**self.architecture["critic"])
        if losses.adversarial and data.side < STEP * judge.least:
            small = f"crops of {data.side} px are too small for this critic at three scales"
            raise UsageError(f"{small}: give data.side {STEP * judge.least}")
        self.to(device)
        self.optimisers = {name: make_adam(one.parameters(), adam) for name, one in self.networks.items()}
        single = TranslationData(side=data.side, batch=1)
        chances = [chance(VALIDATION_SEED, index) for index in range(data.validation)]
        self.validation = [piles.draw(one, single, held_out=True).to(device) for one in chances]

    def to(self, device: str) -> None:
        """Go to another device, as for a report after training."""
        self.device = device
        for one in (*self.networks.values(), self.features, self.deblur):
            if isinstance(one, nn.Module):
                one.to(device)

    def batch(self, generator: Generator) -> TranslatorBatch:
        """Draw one batch, on the networks' device."""
        return self.piles.draw(generator, self.data).to(self.device)

    def pace(self, done: float) -> None:
        """How much of a batch the adversarial game is played with: the sharper share of it first, later all."""
        grown = (done - GROWS_FROM) / (WHOLE_AT - GROWS_FROM)
        self.share = self.losses.first_share + (1 - self.losses.first_share) * min(max(grown, 0.0), 1.0)

    def step(self, batch: TranslatorBatch) -> Step:
        """The critic's step, then the translator's; what it made is held meanwhile, of all batches of the step."""
        translator, critic = self.networks["translator"], self.networks["critic"]
        scalars: dict[str, float] = {}
        total = batch.blurry.new_zeros(())
        if self.losses.adversarial:
            blurry = sharper(batch.blurry, self.share)
            translated = translator(blurry)
            judged = self._critic_loss(blurry, translated, batch)
            scalars["critic"] = float(judged.detach())
            scalars["critic_gradient"] = yield Descent(judged, self.optimisers["critic"], self.clip)
            fooled = torch.stack([fooling_loss(critic(one)) for one in translated]).mean()
            kept = self._reconstruction(blurry, translated)
            total = self.losses.adversarial * fooled + self.losses.reconstruction * kept
            scalars |= {"fooling": float(fooled.detach()), "reconstruction": float(kept.detach())}
        if self.losses.pairs or self.losses.through:
            paired = self._paired(translator(batch.made), batch)
            scalars["paired"] = float(paired.detach())
            total = total + paired
        gradient = yield Descent(total, self.optimisers["translator"], self.clip)
        return scalars | {"loss": float(total.detach()), "gradient": gradient}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR of made pairs: translated against known blur, and deblurred against sharp with and without it."""
        rows = []
        for batch in self.validation:
            translated = self.networks["translator"](batch.made)[0].clamp(0, 1)
            rows.append({"psnr": psnr(translated, batch.target), "made_psnr": psnr(batch.made, batch.target)})
            if self.deblur is not None:
                shown = {"deblurred_psnr": self.deblur(translated), "plain_psnr": self.deblur(batch.made)}
                rows.append({name: psnr(picture.clamp(0, 1), batch.sharp) for name, picture in shown.items()})
        return means(rows)

    def _critic_loss(self, blurry: Image, translated: Sequence[Image], batch: TranslatorBatch) -> Tensor:
        """Eq. 7: Eq. 3 at all scales, by one critic (as in the published code), and Eq. 4 at the finest."""
        critic = self.networks["critic"]
        pairs = zip(scales(batch.known[: len(blurry)]), translated, strict=True)
        judged = torch.stack([critic_loss(critic(real), critic(made.detach())) for real, made in pairs]).mean()
        penalty = gradient_penalty(critic, blurry, translated[0], batch.generator)
        return judged + self.losses.gradient * penalty

    def _reconstruction(self, blurry: Image, translated: Sequence[Image]) -> Tensor:
        """Eq. 5: the mean over the scales of the distance of features."""
        pairs = zip(scales(blurry), translated, strict=True)
        return torch.stack([perceptual(self.features, one, other) for one, other in pairs]).mean()

    def _paired(self, translated: Sequence[Image], batch: TranslatorBatch) -> Tensor:
        loss = batch.made.new_zeros(())
        if self.losses.pairs:
            pairs = zip(translated, scales(batch.target), strict=True)
            loss = self.losses.pairs * torch.stack([charbonnier(one, other) for one, other in pairs]).mean()
        if self.losses.through and self.deblur is not None:
            loss = loss + self.losses.through * charbonnier(self.deblur(translated[0]), batch.sharp)
        return loss


def sharper(pictures: Image, share: float) -> AnyImage:
    """The `share` of a batch with the most variance of the Laplacian, one at least.

    Section 4.1 sorts by it and starts with half; that these are the sharper ones, the easier, is our reading.
    """
    if share >= 1:
        return pictures
    stencil = torch.tensor(LAPLACIAN).to(pictures)[None, None]
    edges = nn.functional.conv2d(pictures.mean(1, keepdim=True), stencil)
    order = edges.flatten(1).var(1).argsort(descending=True, stable=True)
    return pictures[order[: max(1, round(share * len(pictures)))]]
