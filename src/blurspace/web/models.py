"""What may a request ask for, field by field?"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Level = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class Asked(BaseModel):
    """What all of them are: strict, so that a misspelt field or another type is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Deblur(Asked):
    """How a photo is to be restored. `kernel`, `mask`: ids; `mask` may be "auto", for the part that is blurred."""

    strength: Annotated[float, Field(gt=0, le=1)] = 1.0
    method: Literal["auto", "learned", "classical", "fast", "rotation", "mild"] = "auto"
    kernel: str | None = None
    mask: str | None = None
    force: bool = False


class Place(Asked):
    """Where to read the blur: a box of the upright photo, as shares of its sides."""

    left: Share
    top: Share
    right: Share
    bottom: Share


class Drawn(Asked):
    """A kernel that was drawn: rows of values >= 0, upright as the photo is shown."""

    values: Annotated[list[Annotated[list[Level], Field(max_length=255)]], Field(min_length=1, max_length=255)]


class Transfer(Asked):
    """Whose blur goes onto which photo: three ids."""

    sharp: str
    blurry: str
    to: str
