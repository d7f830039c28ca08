"""How is the pair trained: analysis and synthesis apart, then both end to end, and the classifier of sizes?

Kaufman and Fattal 2020, section 3.4: "both the analysis and synthesis networks are first pre-trained independently to
optimize the kernel and image-reconstruction losses respectively", then "the entire network [...] to optimize the output
image reconstruction while omitting blur-kernel reconstruction loss"; section 3.3 for the classifier.
"""

from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import model_validator
from torch import Tensor
from torch.nn import functional

from blurspace.chance import chance, seeded
from blurspace.data.triplets import Triplets, draw_triplets
from blurspace.losses import kernel_l1, picture_l2
from blurspace.nets.analysis import SIZE_RANGES, Analysis, SizeClassifier
from blurspace.nets.synthesis import Guidance, Synthesis
from blurspace.pixels import luminance
from blurspace.train.one_loss import VALIDATION_SEED, OneLoss, Report, Source, both_parts, load_start, picture_measures
from blurspace.train.settings import Recipe, Strict, TripletSettings
from blurspace.types import Kernel


class ClassifierNetwork(Strict):
    """The arguments of `nets.analysis.SizeClassifier`, with its defaults."""

    side: int = 85
    width: int = 64
    features: int = 32
    filter: int = 7
    flipped: bool = True


class AnalysisNetwork(ClassifierNetwork):
    """The arguments of `nets.analysis.Analysis`, with its defaults."""

    levels: int = 3


class SynthesisNetwork(Strict):
    """The arguments of `nets.synthesis.Synthesis`, with its defaults."""

    side: int = 85
    width: int = 128
    hidden: int = 128
    levels: int = 4
    colours: Literal[3] = 3
    guidance: Guidance = "both"
    residual: bool = True


class Start(Strict):
    """Weights files to start from; random weights where none is given."""

    analysis: Path | None = None
    synthesis: Path | None = None


class TripletRecipe(Recipe):
    """The tables that all recipes on triplets have."""

    data: TripletSettings


class AnalysisRecipe(TripletRecipe):
    """Recipe of task "analysis"."""

    task: Literal["analysis"]
    analysis: AnalysisNetwork = AnalysisNetwork()


class SynthesisRecipe(TripletRecipe):
    """Recipe of task "synthesis"."""

    task: Literal["synthesis"]
    synthesis: SynthesisNetwork = SynthesisNetwork()


class PairRecipe(TripletRecipe):
    """Recipe of task "pair": both networks of one `side`."""

    task: Literal["pair"]
    start: Start = Start()
    analysis: AnalysisNetwork = AnalysisNetwork()
    synthesis: SynthesisNetwork = SynthesisNetwork()

    @model_validator(mode="after")
    def _one_side(self) -> "PairRecipe":
        if self.analysis.side != self.synthesis.side:
            sides = f"{self.analysis.side} and {self.synthesis.side} px"
            raise ValueError(f"analysis.side and synthesis.side are {sides}: give the same to both")
        return self


class ClassifierRecipe(TripletRecipe):
    """Recipe of task "classifier"."""

    task: Literal["classifier"]
    classifier: ClassifierNetwork = ClassifierNetwork()


def build_analysis(recipe: AnalysisRecipe, *, data: Path, device: str, report: Report) -> OneLoss[Triplets]:
    """Estimate the true kernel: L1 between kernels. Measures `kernel_l1`, 0 to 2."""
    with seeded(recipe.loop.seed):
        network = Analysis(**recipe.analysis.model_dump()).to(device)
    return OneLoss(
        {"analysis": (network, recipe.analysis)},
        source=_source(recipe, recipe.analysis.side, data=data, device=device, report=report),
        adam=recipe.adam,
        loss=lambda batch: kernel_l1(network(luminance(batch.blurry)), batch.kernel),
        measure=lambda batch: _kernel_measures(network(luminance(batch.blurry)), batch),
    )


def build_synthesis(recipe: SynthesisRecipe, *, data: Path, device: str, report: Report) -> OneLoss[Triplets]:
    """Restore with the true kernel: L2 between pictures. Measures `psnr` and, of the input, `blurry_psnr`, dB."""
    with seeded(recipe.loop.seed):
        network = Synthesis(**recipe.synthesis.model_dump()).to(device)
    return OneLoss(
        {"synthesis": (network, recipe.synthesis)},
        source=_source(recipe, recipe.synthesis.side, data=data, device=device, report=report),
        adam=recipe.adam,
        loss=lambda batch: picture_l2(network(batch.blurry, batch.kernel), batch.sharp),
        measure=lambda batch: picture_measures(network(batch.blurry, batch.kernel), batch),
    )


def build_pair(recipe: PairRecipe, *, data: Path, device: str, report: Report) -> OneLoss[Triplets]:
    """Restore with the estimated kernel: L2 between pictures, no kernel loss. Measures all of the above.

    Raises ModelError where a file of `start` does not hold the network of the recipe.
    """
    with seeded(recipe.loop.seed):
        analysis = Analysis(**recipe.analysis.model_dump()).to(device)
        synthesis = Synthesis(**recipe.synthesis.model_dump()).to(device)
    load_start({"analysis": analysis}, recipe.start.analysis)
    load_start({"synthesis": synthesis}, recipe.start.synthesis)

    def measure(batch: Triplets) -> dict[str, Tensor]:
        kernel = analysis(luminance(batch.blurry))
        return picture_measures(synthesis(batch.blurry, kernel), batch) | _kernel_measures(kernel, batch)

    return OneLoss(
        {"analysis": (analysis, recipe.analysis), "synthesis": (synthesis, recipe.synthesis)},
        source=_source(recipe, recipe.analysis.side, data=data, device=device, report=report),
        adam=recipe.adam,
        loss=lambda batch: picture_l2(synthesis(batch.blurry, analysis(luminance(batch.blurry))), batch.sharp),
        measure=measure,
    )


def build_classifier(recipe: ClassifierRecipe, *, data: Path, device: str, report: Report) -> OneLoss[Triplets]:
    """Tell which of `SIZE_RANGES` the kernel is in: cross entropy. Measures `accuracy`, the share that is right."""
    with seeded(recipe.loop.seed):
        network = SizeClassifier(**recipe.classifier.model_dump()).to(device)

    def logits(batch: Triplets) -> Any:
        return network(luminance(batch.blurry))

    return OneLoss(
        {"classifier": (network, recipe.classifier)},
        source=_source(recipe, recipe.classifier.side, data=data, device=device, report=report),
        adam=recipe.adam,
        loss=lambda batch: functional.cross_entropy(logits(batch).float(), size_class(batch.kernel)),
        measure=lambda batch: {"accuracy": (logits(batch).argmax(1) == size_class(batch.kernel)).float()},
    )


def size_class(kernel: Kernel) -> Tensor:
    """Which of `SIZE_RANGES` each kernel (b 1 k k) is in, by the side of what `kernels.trim` would leave: (b,) long."""
    middle = kernel.shape[-1] // 2
    lit, steps = kernel[:, 0] > 0, (torch.arange(kernel.shape[-1], device=kernel.device) - middle).abs()
    reach = torch.maximum((lit.any(1) * steps).amax(1), (lit.any(2) * steps).amax(1))
    bounds = torch.tensor([upper for _, upper in SIZE_RANGES[:-1]], device=kernel.device)
    return torch.bucketize(2 * reach + 1, bounds)


def _source(recipe: TripletRecipe, side: int, *, data: Path, device: str, report: Report) -> Source[Triplets]:
    """Triplets of the photos in `data`, split by name, with kernels in the square of `side` px that the networks know.

    Raises NoInputError and UsageError as `SharpPhotos` and `draw_triplets` do, before any training.
    """
    settings = recipe.data
    drawn = settings.model_dump(include={"side", "extents", "sigmas", "camera", "other_share"})
    drawn |= {"kernel_side": side, "device": device}
    training, held_out = both_parts(data, limit=settings.limit, report=report)
    validation = draw_triplets(held_out, chance(VALIDATION_SEED, 0), count=settings.validation, **drawn)
    pieces = validation.split(settings.batch)
    return Source(lambda generator: draw_triplets(training, generator, count=settings.batch, **drawn), pieces)


def _kernel_measures(estimated: Kernel, batch: Triplets) -> dict[str, Tensor]:
    errors = [kernel_l1(*pair) for pair in zip(estimated.split(1), batch.kernel.split(1), strict=True)]
    return {"kernel_l1": torch.stack(errors)}
