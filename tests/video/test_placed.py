"""Does a restored frame lie where the blurry one lay, whatever the kernel's place?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import centroids, delta, gaussian
from blurspace.metrics import psnr
from blurspace.restore.blurs import FieldBlur, UniformBlur
from blurspace.restore.driver import Restoration
from blurspace.types import Receipt
from blurspace.video.placed import moved, placed

from ..restore.scenes import made_scene

KERNEL = torch.zeros(1, 1, 5, 5)
KERNEL[..., 2, 2], KERNEL[..., 3, 2], KERNEL[..., 2, 1] = 0.3, 0.4, 0.3  # its centroid lies 0.4 px below, 0.3 px left


@pytest.fixture(scope="module")
def scene():
    return blur(made_scene(96, seed=1, channels=3), gaussian(1.5)).clamp(0, 1)


def test_a_frame_is_moved_by_the_centroid(scene):
    """What a kernel that is off its centre leaves is restored off its place, and comes back."""
    down, right = (centroids(KERNEL)[0] - 2).tolist()
    assert (down, right) == (pytest.approx(0.4), pytest.approx(-0.3))
    shifted = torch.zeros(1, 1, 3, 3)  # convolving with it is to move by (0.4, -0.3)
    shifted[..., 1, 1], shifted[..., 1, 0], shifted[..., 2, 1], shifted[..., 2, 0] = 0.42, 0.18, 0.28, 0.12
    there = moved(scene, torch.zeros_like(scene), KERNEL)
    torch.testing.assert_close(there[..., 2:-2, 2:-2], blur(scene, shifted)[..., 2:-2, 2:-2], atol=0.01, rtol=0)
    back = moved(there, torch.zeros_like(scene), KERNEL.flip((-2, -1)))
    assert psnr(back, scene, crop=4) > psnr(there, scene, crop=4) + 6
    half = moved(scene, torch.zeros_like(scene), KERNEL, strength=0.5)
    assert psnr(half, scene, crop=4) > psnr(there, scene, crop=4) + 4


def test_what_was_not_changed_stays(scene):
    blurry = torch.zeros_like(scene)
    blurry[..., :20, :] = scene[..., :20, :]
    there = moved(scene, blurry, KERNEL)
    assert torch.equal(there[..., :20, :], scene[..., :20, :])
    assert not torch.equal(there[..., 20:, :], scene[..., 20:, :])
    assert moved(scene, blurry, delta(5)) is scene
    assert moved(scene, blurry, KERNEL, strength=0.0) is scene


def test_only_restored_frames_of_one_kernel_are_moved(scene):
    pixels = (scene * 255).round().to(torch.uint8)
    field = FieldBlur.__new__(FieldBlur)
    for verdict, blur_found, same in (
        ("restored", UniformBlur(KERNEL), False),
        ("refused", UniformBlur(KERNEL), True),
        ("restored", field, True),
        ("restored", None, True),
    ):
        done = Restoration(pixels, blur_found, Receipt(verdict, "", 0.01, 40.0, 40.0, 3.0, 0.0), "made")
        found = placed(done, 255 - pixels)
        assert torch.equal(found, pixels.float() / 255) == same, verdict
