"""Does each row of the table fit its class, and are the parts of a network found?"""

import pytest
import torch

from blurspace.nets.analysis import Analysis, Extract
from blurspace.nets.deconvolver import Deconvolver
from blurspace.nets.kernel_space import BasisSpace
from blurspace.nets.restorer import Restorer
from blurspace.nets.synthesis import Synthesis
from blurspace.nets.translator import Translator
from blurspace.nets.unet import UNet
from blurspace.runtimes.parts import PARTS, parts_of

from .tiny import TINY, tiny


def test_every_part_has_a_tiny_one():
    assert set(TINY) == set(PARTS)


@pytest.mark.parametrize("kind", PARTS)
def test_a_module_takes_what_its_row_draws_of_any_size(kind):
    module, part = tiny(kind), PARTS[kind]
    for cells, batch in (((4, 5), 1), ((6, 3), 2)):
        inputs = part.draw(module, cells, batch=batch)
        assert [one.ndim for one in inputs] == [len(shape) for shape in part.inputs(module).values()]
        found = module(*inputs)
        found = found if isinstance(found, torch.Tensor) else found[0]
        assert found.shape[0] == batch
        assert found.isfinite().all()


def test_draws_repeat_and_kernels_have_sum_1():
    module, part = tiny(Synthesis), PARTS[Synthesis]
    (picture, kernel), again = part.draw(module, (3, 4), seed=1), part.draw(module, (3, 4), seed=1)
    assert torch.equal(picture, again[0])
    assert not torch.equal(picture, part.draw(module, (3, 4), seed=2)[0])
    assert kernel.sum() == pytest.approx(1)
    assert picture.shape == (1, 3, 6, 8)


@pytest.mark.parametrize(
    ("network", "whole", "served"),
    [
        (lambda: Deconvolver(widths=(2, 4)), {"denoiser.net": UNet}, {"denoiser.net": UNet}),
        (lambda: Restorer(widths=(2, 4)), {"": Restorer}, {"unet": UNet}),
        (lambda: Translator(widths=(2, 4)), {"network": Restorer}, {"network.unet": UNet}),
        (
            lambda: Analysis(side=5, levels=2, width=2, features=2, filter=3),
            {"extract.0": Extract, "extract.1": Extract},
            {"extract.0": Extract, "extract.1": Extract},
        ),
        (lambda: BasisSpace(count=2, side=5), {}, {}),
    ],
)
def test_the_largest_parts_are_found_and_of_those_that_are_served_the_largest(network, whole, served):
    made = network()
    assert {path: type(module) for path, module, _ in parts_of(made)} == whole
    assert {path: type(module) for path, module, _ in parts_of(made, served=True)} == served
    assert all(made.get_submodule(path) is module for path, module, _ in parts_of(made))
