"""How far is a training, and how fast does it learn there?"""

import math

from blurspace.train.settings import LoopSettings


def share_done(settings: LoopSettings, step: int, minutes: float, limit: float | None) -> float:
    """How much of the training is behind us at step `step` (from 0), `minutes` into the run: in [0, 1].

    By the schedule "steps" it is a share of `steps`, and the minutes limit one call. By "minutes" it is a share of the
    minutes, which are those of the whole run with all its resumptions, so that a slow machine gets to the end too;
    `steps` is then an upper bound.
    """
    done = step / settings.steps
    if settings.schedule == "minutes" and limit:
        done = max(done, minutes / limit)
    return min(done, 1.0)


def rate_factor(settings: LoopSettings, step: int, minutes: float, limit: float | None) -> float:
    """What the learning rate of that step is multiplied by, in [0, 1]: linear warm-up, times the decay.

    "cosine" goes from 1 to 0 on half a cosine (Loshchilov and Hutter 2017, eq. 5, without restarts); "linear" stays at
    1 for half of the training, and falls to 0 on a line (Pham et al. 2024, section 4.1).
    """
    warm = min(1.0, (step + 1) / settings.warm_up) if settings.warm_up else 1.0
    done = share_done(settings, step, minutes, limit)
    if settings.decay == "linear":
        return warm * min(1.0, 2 * (1 - done))
    return warm * (1 + math.cos(math.pi * done)) / 2
