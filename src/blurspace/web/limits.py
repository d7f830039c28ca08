"""How much may be asked of the server: how large, how many, how long, and what is said to those who ask for more?"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What bounds the server (all values: our choice, for a machine with a few GB of memory).

    `file_bytes`: of a photo or mask that is uploaded, `pixels`: of it decoded. `kernel_bytes`: of a kernel that is
    uploaded, or drawn and sent as JSON; `kernel_side`: of it decoded. `report_bytes`: of a report. `upload_seconds`:
    for one body to arrive, `job_seconds`: for one piece of work. `uploads`: at a time; `waiting`: pieces of work in the
    queue; `workers`: at a time. Of a visitor: `photos`; `results` and masks of each photo, and as many transfers and
    reports; `kernels` of each photo: the oldest gives way, but no mask or kernel that a result or a job names.
    `held_bytes`: of all files, results, masks and kernels that are kept of all visitors; `idle_seconds`: after so many
    a visitor is forgotten; `visitors`: at a time.
    `alive_pixels`: of photos whose blur is kept, so that another strength needs no search; one of any size always is.
    """

    file_bytes: int = 100_000_000
    pixels: int = 50_000_000
    kernel_bytes: int = 2_000_000
    kernel_side: int = 255
    report_bytes: int = 20_000_000
    upload_seconds: float = 60.0
    job_seconds: float = 900.0
    uploads: int = 64
    waiting: int = 128
    workers: int = 1
    photos: int = 200
    results: int = 2
    kernels: int = 20
    held_bytes: int = 2**30
    idle_seconds: float = 1800.0
    visitors: int = 200
    alive_pixels: int = 24_000_000


class Refusal(Exception):  # noqa: N818 - an answer, and no fault of the server's
    """A request that is answered with a status other than 2xx, and one sentence; `retry`: in so many seconds."""

    def __init__(self, status: int, sentence: str, *, retry: int | None = None) -> None:
        """Keep them."""
        super().__init__(sentence)
        self.status, self.sentence, self.retry = status, sentence, retry


def busy(sentence: str) -> Refusal:
    """What is said where there is no room now: 503, and when to ask again."""
    return Refusal(503, sentence, retry=10)
