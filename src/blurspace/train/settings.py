"""Which settings do all recipes share? Each is checked, and a key that is not known is refused."""

from typing import Literal

from blurspace.errors import ModelError, install

try:
    from pydantic import BaseModel, ConfigDict, Field
except ImportError as problem:
    raise ModelError(f"training needs pydantic, which is not here: {install('train')}") from problem


class Strict(BaseModel):
    """Base of every table in a recipe: unknown keys are errors, values are not changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LoopSettings(Strict):
    """How long, how fast and how exactly; `train.schedule` explains `schedule` and `decay`."""

    steps: int = Field(gt=0)
    seed: int = 0
    accumulate: int = Field(
        default=1, gt=0, description="batches per step, which goes down their mean gradient; processes share them"
    )
    warm_up: int = Field(default=0, ge=0, description="steps until the full learning rate")
    schedule: Literal["steps", "minutes"] = "steps"
    decay: Literal["cosine", "linear"] = "cosine"
    max_minutes: float | None = Field(default=None, gt=0)
    average: float = Field(default=0.0, ge=0, lt=1, description="decay of the running mean of the weights, 0 = none")
    precision: Literal["fp32", "bf16"] = "fp32"
    half: bool = Field(default=False, description="store the final weights as float16")
    save_minutes: float = Field(default=5.0, ge=0, description="validate and save so often")
    log_every: int = Field(default=100, gt=0, description="steps per row of the log")
    ahead: int = Field(default=0, ge=0, description="threads that draw batches while the step runs; same result")


class AdamSettings(Strict):
    """Adam (Kingma and Ba 2015); `first_beta` and 0.999; `clip` limits the norm of all gradients together."""

    learning_rate: float = Field(gt=0)
    first_beta: float = Field(default=0.9, ge=0, lt=1)
    clip: float | None = Field(default=None, gt=0)


class Recipe(Strict):
    """The tables that all recipes have in which one loss is descended."""

    loop: LoopSettings
    adam: AdamSettings


class CropSettings(Strict):
    """Batches of crops of `side` px."""

    side: int = Field(gt=0)
    batch: int = Field(gt=0)
    limit: int | None = Field(default=None, gt=0, description="read only so many photos or pairs of each part")


class TripletSettings(CropSettings):
    """What `data.triplets.draw_triplets` draws; lengths in px, `sigmas` for pixel values in [0, 1]."""

    extents: tuple[float, float]
    sigmas: tuple[float, float]
    camera: Literal["plain", "rich"] = "plain"
    other_share: float = Field(default=0.0, ge=0, le=1)
    validation: int = Field(default=64, gt=0, description="triplets of photos that training never sees")


class CriticNetwork(Strict):
    """The arguments of `nets.critic.PatchCritic`, with its defaults."""

    width: int = Field(default=64, gt=0)
    layers: int = Field(default=3, gt=0)
