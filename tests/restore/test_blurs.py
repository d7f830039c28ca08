"""What holds for every kind of blur that can be found?"""

import functools

import pytest
import torch

from blurspace.areas import Area, whole
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import extent, line, shake
from blurspace.blur.varying import KernelField, blur_varying, draw_rotation_path, rotation_field
from blurspace.builders import build_space
from blurspace.errors import OutputError
from blurspace.io.images import read_kernel
from blurspace.restore.blurs import CodeBlur, FieldBlur, UniformBlur

from .scenes import made_scene

SIZE = (192, 224)
KERNEL = shake(15, extent=13, generator=torch.Generator().manual_seed(3))
NAMES = ("uniform", "field", "code")


@functools.cache
def made(name):
    if name == "uniform":
        return UniformBlur(KERNEL)
    if name == "field":
        path = draw_rotation_path(extent=11, focal=224, roll=2.0, generator=torch.Generator().manual_seed(1))
        return FieldBlur(rotation_field(path, SIZE, focal=224, rows=3, columns=4))
    space = build_space()
    with torch.no_grad():
        return CodeBlur(space.extract(scene(), blur(scene(), line(9, 0.0))), space)


def scene(channels=3):
    return made_scene(224, seed=5, channels=channels)[..., : SIZE[0], :]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_blurring_keeps_the_shape_and_blurs(name, channels):
    sharp = scene(channels)
    blurry = made(name).reblur(sharp, whole(SIZE))
    assert blurry.shape == sharp.shape
    assert 1e-3 < float((blurry - sharp).abs().mean()) < 0.1


def test_the_two_kinds_of_kernels_do_what_the_blur_room_does():
    sharp, field = scene(), made("field").field
    torch.testing.assert_close(made("uniform").reblur(sharp, whole(SIZE)), blur(sharp, KERNEL))
    torch.testing.assert_close(made("field").reblur(sharp, whole(SIZE)), blur_varying(sharp, field))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("area", [Area((0, 96), (0, 128), SIZE), Area((64, 192), (96, 224), SIZE)])
def test_a_piece_is_blurred_as_in_the_whole_away_from_its_frame(name, area):
    expected = area.cut(made(name).reblur(scene(), whole(SIZE)))
    found = made(name).reblur(area.cut(scene()), area)
    margin = made(name).reach + 1
    if name == "code":  # what lies between the middles of cells is interpolated, and the light of a window reaches far
        margin += made(name).space.stride
    inner = (..., slice(margin, -margin), slice(margin, -margin))
    torch.testing.assert_close(found[inner], expected[inner], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_its_kernel_is_a_kernel_and_its_reach_holds_it(name):
    kernel = made(name).kernel
    assert kernel.shape[:2] == (1, 1)
    assert kernel.shape[-1] % 2 == 1
    assert float(kernel.min()) >= 0
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-4)
    assert made(name).reach >= kernel.shape[-1] // 2
    assert made(name).length_angle() == extent(kernel)


@pytest.mark.parametrize("name", ["uniform", "field"])
@pytest.mark.parametrize("strength", [0.25, 0.5, 0.8])
def test_shortened_it_is_so_much_shorter(name, strength):
    short = made(name).shortened(strength)
    assert type(short) is type(made(name))
    assert short.length_angle()[0] == pytest.approx(strength * made(name).length_angle()[0], abs=1.5)
    changes = [float((one.reblur(scene(), whole(SIZE)) - scene()).square().mean()) for one in (short, made(name))]
    assert changes[0] < changes[1]


@pytest.mark.parametrize("name", NAMES)
def test_all_of_it_is_itself(name):
    assert made(name).shortened(1.0) is made(name)


def test_a_code_knows_no_strength():
    assert made("code").shortened(0.5) is made("code")


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_looked_at(name):
    shown = made(name).show()
    assert shown.shape[:2] == (1, 1)
    assert 0 <= float(shown.min()) < float(shown.max()) <= 1
    assert type(made(name)).__name__ in repr(made(name))
    assert "tensor" not in repr(made(name))


@pytest.mark.parametrize("name", NAMES)
def test_its_kernel_can_be_written_and_read_back(name, tmp_path):
    path = tmp_path / "blur.tiff"
    made(name).save(path)
    torch.testing.assert_close(read_kernel(path), made(name).kernel, atol=1e-6, rtol=0)
    with pytest.raises(OutputError, match="exists already"):
        made(name).save(path)
    made(name).save(path, overwrite=True)


def test_a_field_of_equal_kernels_is_uniform():
    equal = FieldBlur(KernelField(KERNEL.expand(6, -1, -1, -1), 2, 3))
    assert torch.equal(equal.kernel, KERNEL)
    torch.testing.assert_close(equal.reblur(scene(), whole(SIZE)), made("uniform").reblur(scene(), whole(SIZE)))
