"""Does a network that another runtime serves say the same, and does torch do what others cannot?"""

import pickle

import pytest
import torch

from blurspace.errors import ModelError, UsageError
from blurspace.nets.features import FeatureNet
from blurspace.nets.restorer import Restorer
from blurspace.nets.synthesis import Synthesis
from blurspace.nets.unet import UNet
from blurspace.runtimes import served
from blurspace.runtimes.engines import ENGINES
from blurspace.runtimes.parts import PARTS
from blurspace.runtimes.served import is_served, serve

from .tiny import tiny

SERVED = [kind for kind, part in PARTS.items() if part.fills]
ODD = (37, 22)  # px: no multiple of anything


@pytest.fixture
def engines(monkeypatch):
    """Engines that are torch after all, and what they were asked; each must get sizes that are multiples."""
    asked = []

    def make(module, part, runtime, threads):
        ours = tiny(type(module))

        def run(inputs):
            step = part.multiple(module)
            assert all(length % step == 0 for length in inputs[0].shape[-2:])
            asked.append((runtime, threads, tuple(inputs[0].shape)))
            found = ours(*inputs)
            return [found] if isinstance(found, torch.Tensor) else list(found)

        return run

    monkeypatch.setattr(served, "engine_of", make)
    monkeypatch.setattr(served, "check_runtime", lambda *_: None)
    return asked


def inputs_of(module):
    """Of an odd size, and what else it wants."""
    _, *more = PARTS[type(module)].draw(module, (4, 4))
    channels = next(iter(PARTS[type(module)].inputs(module).values()))[1]
    return (torch.rand(1, channels, *ODD, generator=torch.Generator().manual_seed(7)), *more)


@pytest.mark.parametrize("kind", SERVED)
def test_it_says_the_same_for_sizes_that_must_be_filled_up(kind, engines):
    module = tiny(kind)
    inputs = inputs_of(module)
    wanted, found = module(*inputs), serve(module, "onnx")(*inputs)
    assert len(engines) == 1
    assert type(found) is type(wanted)
    for right, other in zip(
        *((one,) if isinstance(one, torch.Tensor) else one for one in (wanted, found)), strict=True
    ):
        assert other.shape == right.shape
        torch.testing.assert_close(other, right, rtol=0, atol=1e-6)


def test_the_network_stays_what_it_is(engines):
    network = tiny(Synthesis)
    assert not is_served(network)
    assert serve(network, "torch") is network
    assert not is_served(network)
    assert serve(network, "onnx") is network
    assert is_served(network)
    assert isinstance(network, Synthesis)
    assert not is_served(serve(tiny(FeatureNet), "onnx"))  # training alone asks it
    assert not engines  # made at the first picture


def test_torch_does_what_others_cannot(engines):
    network = serve(tiny(Synthesis), "onnx")
    picture, kernel = inputs_of(network)
    small = kernel[..., 1:-1, 1:-1]
    network(picture, small / small.sum())
    network(picture.clone().requires_grad_(), kernel).sum().backward()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        network(picture, kernel)
    with pytest.raises(UsageError, match="give"):
        network(picture[:, :2], kernel)
    assert not engines
    with torch.inference_mode():
        network(picture.clone().requires_grad_(), kernel)
    assert len(engines) == 1


def test_it_goes_to_another_process_and_makes_its_engine_there(engines):
    network = serve(Restorer(widths=(2, 4)).requires_grad_(False), "onnx")
    network.unet.load_state_dict(UNet(12, 12, (2, 4)).state_dict())
    sent = pickle.loads(pickle.dumps(network))
    assert is_served(sent)
    assert sent.unet.forward.module is sent.unet
    assert sent.unet.forward.part is PARTS[UNet]
    assert sent.unet.forward._engine is None


def test_threads_are_those_of_torch(engines):
    network, inputs = serve(tiny(UNet), "onnx"), inputs_of(tiny(UNet))
    try:
        for threads in (1, 1, 2):
            torch.set_num_threads(threads)
            network(*inputs)
    finally:
        torch.set_num_threads(1)
    assert [threads for _, threads, _ in engines] == [1, 1, 2]


def test_an_engine_that_says_something_else_is_refused(monkeypatch):
    monkeypatch.setattr(served, "check_runtime", lambda *_: None)
    monkeypatch.setattr(served, "onnx_of", lambda *_: b"")
    monkeypatch.setitem(ENGINES, "onnx", ("onnxruntime", lambda *_: lambda inputs: [inputs[0]]))
    network = serve(tiny(UNet), "onnx")
    with pytest.raises(ModelError, match="differs from torch"):
        network(*inputs_of(network))
