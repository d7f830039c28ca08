"""Do parts of a batch, side by side, make the step that the whole batch makes?"""

import pytest
import torch
from torch import nn

from blurspace.train.steps import Descent, descend, take


def net():
    made = nn.Linear(2, 1)
    with torch.no_grad():
        made.weight.fill_(0.3)
        made.bias.zero_()
    return made


def play(critic, maker, adams, batch):
    """Two networks in turn, as in an adversarial game: what the second descends depends on the first one's step."""
    judged = critic(batch).square().mean()
    first = yield Descent(judged, adams[0], 0.5)
    fooled = (critic(batch) * maker(batch)).square().mean()
    second = yield Descent(fooled, adams[1])
    return {"judged": float(judged.detach()), "fooled": float(fooled.detach()), "first": first, "second": second}


def played(parts, *, turns=3):
    critic, maker = net(), net()
    adams = [torch.optim.Adam(one.parameters(), lr=0.1) for one in (critic, maker)]
    batch = torch.linspace(-1, 2, 16).view(8, 2)
    told = [take([play(critic, maker, adams, part) for part in batch.chunk(parts)]) for _ in range(turns)]
    return told, [one.detach() for network in (critic, maker) for one in network.parameters()]


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_are_the_whole_also_where_networks_take_turns(parts):
    (told, weights), (also_told, also_weights) = played(1), played(parts)
    for one, other in zip(told, also_told, strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    for one, other in zip(weights, also_weights, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    assert not torch.allclose(weights[0], net().weight, atol=0.1)


def test_what_no_part_needs_keeps_no_gradient():
    used, idle = net(), net()
    adam = torch.optim.Adam([*used.parameters(), *idle.parameters()], lr=0.1)

    def step(batch):
        yield Descent(used(batch).square().mean(), adam)
        return {}

    take([step(torch.ones(1, 2)), step(torch.ones(1, 2))])
    assert idle.weight.grad is None
    assert torch.equal(idle.weight, net().weight)
    assert not torch.equal(used.weight, net().weight)


def test_buffers_move_by_the_mean_of_what_parts_do():
    norm = nn.BatchNorm1d(1, affine=False, momentum=0.5)
    line = nn.Linear(1, 1)
    sgd = torch.optim.SGD(line.parameters(), lr=0.0)

    def step(batch):
        yield Descent((line(batch) + norm(batch)).square().mean(), sgd)
        norm.running_var.mul_(float(batch[0, 0]))  # also without a forward pass
        return {"mean": float(batch.mean())}

    batches = [torch.tensor([[2.0], [2.0]]), torch.tensor([[4.0], [4.0]])]
    told = take([step(one) for one in batches], buffers=list(norm.buffers()))
    assert told == {"mean": 3.0}
    assert norm.running_mean.item() == pytest.approx(1.5)  # 0.5 x 2 and 0.5 x 4
    assert norm.running_var.item() == pytest.approx(0.5 * 3)  # all values of a batch are equal, so 1 goes to 0.5
    assert norm.num_batches_tracked.item() == 1


def test_descend_alone_is_a_step_of_one_part():
    one, other = net(), net()
    batch = torch.tensor([[1.0, 2.0]])
    adams = [torch.optim.Adam(each.parameters(), lr=0.1) for each in (one, other)]

    def step():
        norm = yield Descent(other(batch).square().mean(), adams[1], 0.1)
        return {"norm": norm}

    assert descend(one(batch).square().mean(), adams[0], clip=0.1) == take([step()])["norm"] > 0.1
    assert torch.equal(one.weight, other.weight)
