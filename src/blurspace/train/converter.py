"""Does a translated picture look like known blur, to somebody who had no part in translating it?

The check of pham2024's supplement, section 7.3: a classifier of known against unknown blur, trained apart from the
translator. The paper's is a ResNet18; ours is `nets.judge`.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, nn

from blurspace.chance import chance, seeded
from blurspace.losses import critic_loss
from blurspace.nets.judge import BlurJudge
from blurspace.train.steps import descend
from blurspace.types import Image

Draw = Callable[[Generator], Image]
STEPS, RATE = 200, 1e-2  # ours


def train_judge(unknown: Draw, known: Draw, *, steps: int = STEPS, seed: int = 0) -> nn.Module:
    """A classifier, frozen, from what draws batches (b 3 side side) of a camera's blur and of known blur."""
    with seeded(seed):
        judge = BlurJudge()
    adam = torch.optim.Adam(judge.parameters(), lr=RATE)
    for step in range(steps):
        generator = chance(seed, step)
        descend(critic_loss(judge(known(generator)), judge(unknown(generator))), adam, clip=1.0)
    return judge.eval().requires_grad_(False)


@torch.no_grad()
def share_known(judge: nn.Module, pictures: Sequence[Image]) -> float:
    """The share of pictures (1 3 h w) in which the judge, or a translator's critic, sees known blur: in [0, 1]."""
    return sum(bool(judge(picture).mean() > 0) for picture in pictures) / max(1, len(pictures))
