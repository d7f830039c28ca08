"""Small made-up data, and deblurrers that take no time."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from blurspace.blur.kernels import shake
from blurspace.restore.blurs import UniformBlur

from ..fakes import Fake

SIDE = 96


def scene(side, seed):
    """Blocks and noise in [0, 1]: something with edges to align (h w)."""
    generator = np.random.default_rng(seed)
    blocks = np.kron(generator.random((side // 8 + 1, side // 8 + 1)), np.ones((8, 8)))[:side, :side]
    return (0.9 * blocks + 0.1 * generator.random((side, side))).astype(np.float32)


def blurred(sharp, kernel):
    spectrum = np.fft.fft2(sharp) * np.fft.fft2(kernel, sharp.shape)
    return np.roll(np.fft.ifft2(spectrum).real, (-(kernel.shape[0] // 2),) * 2, (0, 1)).astype(np.float32)


@pytest.fixture
def levin_file(tmp_path):
    """2 pictures x 2 kernels, in the layout of levin32.npz: f is the kernel turned by 180 degrees."""
    arrays = {}
    for j in (1, 2):
        kernel = shake(9, generator=torch.Generator().manual_seed(j), extent=9)[0, 0].double().numpy()
        arrays[f"f_{j}"] = kernel[::-1, ::-1]
        for i in (1, 2):
            sharp = arrays[f"x_{i}_{j}"] = scene(SIDE, i)
            arrays[f"y_{i}_{j}"] = np.roll(blurred(sharp, kernel), (0, j), (0, 1))
    path = tmp_path / "data" / "levin32.npz"
    path.parent.mkdir()
    np.savez(path, **arrays)
    return path


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        colours = np.stack([scene(200, 10 * number + c) for c in range(3)], -1)
        Pil.fromarray((colours * 255).astype(np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def fake(monkeypatch):
    """Instead of the slow deblurrer: an answer that a test may change, with what it was built with."""
    wish = SimpleNamespace(verdict="restored", answer=lambda blurry: blurry * 0.5, built=[])

    def build(**options):
        wish.built.append(options)

        kernel = options.get("kernel")
        blur = None if kernel is None else UniformBlur(kernel)
        return Fake(wish.verdict, change=wish.answer, kernel=blur, as_it_is=True)

    monkeypatch.setattr("blurspace.builders.build_deblurrer", lambda _method, **options: build(**options))
    return wish
