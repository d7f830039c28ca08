"""A folder of sharp photos to train on: random shapes, which have edges in all directions."""

import pytest
import torch

from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.types import Photo


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    generator = torch.Generator().manual_seed(0)
    for name in "abcd":
        picture = torch.zeros(1, 3, 128, 140)
        for _ in range(60):
            top, left = (int(torch.randint(120, (), generator=generator)) for _ in range(2))
            high, wide = (int(torch.randint(6, 40, (), generator=generator)) for _ in range(2))
            picture[..., top : top + high, left : left + wide] = torch.rand(1, 3, 1, 1, generator=generator)
        write_bytes(folder / f"{name}.png", encode_photo(Photo.of(picture), picture), overwrite=False)
    return folder
