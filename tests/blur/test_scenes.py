"""Are made scenes what their truth says, and are averaged frames the light of the exposure?"""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from blurspace.blur.cameras import CAMERAS, SceneCamera
from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.paths import deposit
from blurspace.blur.scenes import average_frames, draw_scene
from blurspace.blur.varying import rotation_displacements
from blurspace.errors import UsageError
from blurspace.metrics import psnr

STILL = SceneCamera("linear", 5, (0, 0), 1.0, (0, 0), (0, 0))
SHAKEN = replace(STILL, moments=17, travel=(10, 10))
every_camera = pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def textures(count=3, size=(96, 120), seed=0):
    """Smooth random pictures with values from 0.1 to 0.9."""
    coarse = torch.rand(count, 3, size[0] // 6, size[1] // 6, generator=seeded(seed))
    return 0.1 + 0.8 * functional.interpolate(coarse, size=size, mode="bicubic", align_corners=True).clamp(0, 1)


def flat(*values, size=(96, 120)):
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, *size).contiguous()


def inside(picture, by=16):
    return picture[..., by:-by, by:-by]


def kernel_of(track, side=41):
    """The kernel that a track of displacements (t 2) draws."""
    light = torch.full((len(track),), 1 / len(track), dtype=torch.float64)
    return deposit(track.double() + side // 2, light, side).float()


def reblurred(scene):
    """The sharp picture moved by its true displacements and averaged; right where nothing hides anything else."""
    height, width = scene.sharp.shape[-2:]
    places = torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")).float()
    half = torch.tensor([width - 1, height - 1]) / 2
    total = torch.zeros_like(scene.sharp)
    for moved in scene.displacements().permute(0, 3, 1, 2):
        source = places
        for _ in range(4):  # source + moved(source) = place
            grid = (source.flip(0).permute(1, 2, 0) / half - 1)[None]
            source = places - functional.grid_sample(moved[None], grid, padding_mode="border", align_corners=True)[0]
        grid = (source.flip(0).permute(1, 2, 0) / half - 1)[None]
        total += functional.grid_sample(scene.sharp, grid, padding_mode="border", align_corners=True)
    return total / len(scene.displacements())


@pytest.mark.parametrize("response", ["linear", "srgb"])
@pytest.mark.parametrize("things", [0, 2])
def test_where_nothing_moves_the_pictures_are_equal(response, things):
    pictures = textures()
    scene = draw_scene(pictures, camera=replace(STILL, response=response, things=(things, things)), generator=seeded())
    assert (scene.blurry - scene.sharp).abs().max() < 0.5 / 255
    assert (scene.displacements() == 0).all()
    if not things:
        torch.testing.assert_close(scene.sharp, pictures[:1], atol=1e-6, rtol=0)


@every_camera
def test_shapes_ranges_and_untouched_input(camera):
    pictures = textures()
    scene = draw_scene(pictures, camera=replace(camera, things=(2, 2)), generator=seeded())
    assert scene.sharp.shape == scene.blurry.shape == (1, 3, 96, 120)
    assert scene.displacements().shape == (camera.moments, 96, 120, 2)
    assert scene.things.shape == (2, 96, 120)
    for values in (scene.sharp, scene.blurry, scene.things, scene.things.sum(0)):
        assert values.dtype == torch.float32
        assert values.min() >= 0
        assert values.max() <= 1 + 1e-6
    assert torch.equal(pictures, textures())


@every_camera
def test_the_same_seed_makes_the_same_scene(camera):
    first, again, other = (draw_scene(textures(), camera=camera, generator=seeded(seed)) for seed in (1, 1, 2))
    for name in ("sharp", "blurry", "turns", "paths", "things"):
        assert torch.equal(getattr(first, name), getattr(again, name))
    assert not torch.equal(first.blurry, other.blurry)


@pytest.mark.parametrize("straight", [False, True])
def test_a_shift_is_a_convolution(straight):
    """Without roll a small turn shifts the middle of the picture, by what the truth says."""
    camera = replace(SHAKEN, roll=0, straight=straight)
    scene = draw_scene(textures(1, (192, 192)), camera=camera, generator=seeded())
    wanted = blur(scene.sharp, kernel_of(scene.displacements()[:, 96, 96]))
    found = psnr(inside(scene.blurry, 84), inside(wanted, 84))
    assert found > 50
    assert found > psnr(inside(scene.sharp, 84), inside(wanted, 84)) + 15


@pytest.mark.parametrize("seed", range(3))
def test_the_truth_moves_the_sharp_picture_onto_the_blurry_one(seed):
    scene = draw_scene(textures(1), camera=replace(SHAKEN, roll=2), generator=seeded(seed))
    found = psnr(inside(scene.blurry), inside(reblurred(scene)))
    assert found > 50
    assert found > psnr(inside(scene.blurry), inside(scene.sharp)) + 15


def test_displacements_are_those_of_a_turn():
    """Recover the turn from the centre and a corner of the truth, and compare everywhere with the exact homography."""
    size = (96, 120)
    camera = replace(SHAKEN, travel=(30, 30), roll=0, straight=True)
    scene = draw_scene(textures(1), camera=camera, generator=seeded())
    row, column = scene.displacements()[:, 47:49, 59:61].double().mean((1, 2)).unbind(-1)
    angles = torch.stack((-row / 120, column / 120, 0 * row), -1)
    angles = angles * (angles.norm(dim=-1).atan() / angles.norm(dim=-1).clamp(min=1e-12))[:, None]
    places = torch.stack(torch.meshgrid(*(torch.arange(n).double() for n in size), indexing="ij"), -1).flatten(0, 1)
    exact = -rotation_displacements(-angles, places, size=size, focal=120).transpose(0, 1).unflatten(1, size)
    assert (scene.displacements() - exact).abs().max() < 0.01


@every_camera
def test_nothing_is_shifted_on_average(camera):
    for seed in range(4):
        scene = draw_scene(textures(), camera=camera, generator=seeded(seed))
        mean = scene.displacements().mean(0)
        assert mean[48, 60].abs().max() < 0.15
        assert mean.abs().max() < 0.6  # a far corner of a picture as small as this one, under roll


@every_camera
def test_light_is_kept(camera):
    plain = replace(camera, sigma=0, jpeg=None)
    scene = draw_scene(textures(), camera=plain, generator=seeded())
    sharp, blurry = (to_linear(one, camera.response).mean() for one in (scene.sharp, scene.blurry))
    assert blurry.item() == pytest.approx(sharp.item(), rel=0.01)


def test_gain_fills_the_sensor_after_the_blur():
    camera = replace(SHAKEN, straight=True)
    dark, bright = (
        draw_scene(textures(1), camera=replace(camera, gain=gain), generator=seeded()) for gain in (1.0, 2.0)
    )
    torch.testing.assert_close(bright.blurry, (2 * dark.blurry).clamp(max=1))
    torch.testing.assert_close(bright.sharp, (2 * dark.sharp).clamp(max=1))
    assert (bright.sharp == 1).any()


def test_a_thing_alone_is_blurred_by_its_own_path():
    """A bright thing before a dark ground: what is seen of both is the mask, convolved with the thing's path."""
    camera = replace(STILL, moments=15, things=(1, 1), thing_travel=(12, 12))
    scene = draw_scene(flat(0.2, 0.9), camera=camera, generator=seeded(4))
    mask = scene.things[0]
    torch.testing.assert_close(scene.sharp[0, 0], 0.2 + 0.7 * mask)
    track = scene.displacements()[:, mask > 0.5]
    assert (track == track[:, :1]).all()
    assert torch.cdist(track[:, 0], track[:, 0]).max().item() == pytest.approx(12, abs=1e-3)
    assert (scene.displacements()[:, mask <= 0.5] == 0).all()
    wanted = 0.2 + 0.7 * blur(mask[None, None], kernel_of(track[:, 0]))
    torch.testing.assert_close(scene.blurry[:, :1], wanted, atol=1e-4, rtol=0)


def spread_of(places, light):
    """Centroid (2) and covariance (2 2) of light (n) at places (n 2)."""
    return light @ places / light.sum(), torch.cov(places.T, aweights=light, correction=0)


@pytest.mark.parametrize("seed", [17, 23, 29])
def test_a_thing_is_carried_by_its_own_path_and_the_camera(seed):
    """Where a white thing's light falls, and how widely, is where the truth carries the thing's pixels."""
    camera = replace(SHAKEN, roll=4, things=(1, 1), thing_travel=(14, 14))
    scene = draw_scene(flat(0.0, 1.0), camera=camera, generator=seeded(seed))
    mask = scene.things[0].double()
    assert inside(mask).sum() == mask.sum()  # seeds whose thing stays in the frame
    places = torch.stack(torch.meshgrid(torch.arange(96.0), torch.arange(120.0), indexing="ij"), -1).double()
    solid = mask > 0.5
    carried = torch.cat([(places + moved)[solid] for moved in scene.displacements()])
    there, wide = spread_of(carried, mask[solid].repeat(camera.moments))
    _, wide_still = spread_of(places[solid], mask[solid])
    found, found_wide = spread_of(places.flatten(0, 1), scene.blurry[0, 0].flatten().double())
    _, found_still = spread_of(places.flatten(0, 1), scene.sharp[0, 0].flatten().double())
    torch.testing.assert_close(found, there, atol=0.1, rtol=0)
    # Up to 0.25 px^2 comes from bilinear sampling, some from the soft edge.
    torch.testing.assert_close(found_wide - found_still, wide - wide_still, atol=0.5, rtol=0)
    assert (wide - wide_still).abs().max() > 15


def test_what_is_in_front_hides_what_is_behind():
    """Things of equal brightness: light is only ever that of the ground or theirs, and the masks add up."""
    camera = replace(STILL, things=(6, 6), thing_travel=(6, 6))
    scene = draw_scene(flat(0.2, 0.9), camera=camera, generator=seeded())
    covered = scene.things.sum(0)
    torch.testing.assert_close(scene.sharp[0, 0], 0.2 + 0.7 * covered)
    assert covered.max() <= 1 + 1e-6
    assert scene.things[-1].max() == 1  # nothing lies over the last
    assert scene.blurry.max() <= 0.9 + 1e-6
    assert scene.blurry.min() >= 0.2 - 1e-6


def test_far_from_things_all_is_as_without_them():
    camera = replace(SHAKEN, thing_travel=(4, 4))
    empty, full = (
        draw_scene(textures(), camera=replace(camera, things=(count, count)), generator=seeded(3)) for count in (0, 2)
    )
    reach = int(full.displacements().abs().max()) + 2
    near = functional.max_pool2d(full.things.sum(0)[None], 2 * reach + 1, 1, reach)[0] > 0
    assert 0.1 < near.float().mean() < 0.9
    assert torch.equal(full.blurry[..., ~near], empty.blurry[..., ~near])
    assert torch.equal(full.sharp[..., ~near], empty.sharp[..., ~near])
    assert torch.equal(full.displacements()[:, ~near], empty.displacements()[:, ~near])
    assert not torch.equal(full.blurry, empty.blurry)


def test_noise_and_jpeg_are_in_the_blurry_picture_only():
    pictures = flat(0.5)
    noisy = draw_scene(pictures, camera=replace(STILL, sigma=0.02), generator=seeded())
    assert (noisy.blurry - noisy.sharp).std().item() == pytest.approx(0.02, rel=0.05)
    assert torch.equal(noisy.sharp, pictures)
    coded = draw_scene(textures(1), camera=replace(STILL, jpeg=10), generator=seeded())
    assert psnr(coded.blurry, coded.sharp) < 35
    torch.testing.assert_close(coded.sharp, textures(1))


def test_the_two_cameras_are_two_domains():
    bends, steps = {}, {}
    pictures = textures(2, (48, 60))
    for name, camera in CAMERAS.items():
        alone = replace(camera, things=(0, 0))
        empty = [draw_scene(pictures, camera=alone, generator=seeded(seed)) for seed in range(12)]
        tracks = [scene.displacements()[:, 24, 30] for scene in empty]
        lengths = torch.stack([track.diff(dim=0).norm(dim=-1).sum() for track in tracks])
        bends[name] = lengths / torch.stack([torch.cdist(track, track).max() for track in tracks])
        scenes = [draw_scene(pictures, camera=camera, generator=seeded(seed)) for seed in range(12)]
        steps[name] = max(scene.displacements().diff(dim=0).norm(dim=-1).max().item() for scene in scenes)
    assert bends["wheel"].max() < 1.01  # lines ...
    assert bends["hand"].median() > 1.1  # ... and curves
    assert steps["wheel"] < 1.6
    assert CAMERAS["hand"].response != CAMERAS["wheel"].response
    assert CAMERAS["hand"].moments != CAMERAS["wheel"].moments


@pytest.mark.parametrize("response", ["srgb", "gamma 2.2", "linear"])
def test_frames_that_are_all_the_same_stay(response):
    frames = textures(1).expand(5, -1, -1, -1)
    pair = average_frames(frames, response=response)
    assert pair.sharp.shape == pair.blurry.shape == (1, 3, 96, 120)
    assert torch.equal(pair.sharp, frames[:1])
    torch.testing.assert_close(pair.blurry, pair.sharp, atol=1e-5, rtol=0)


@pytest.mark.parametrize("response", ["srgb", "gamma 2.2", "linear"])
def test_frames_are_averaged_in_linear_light(response):
    frames = flat(0.0, 0.0, 1.0, 0.0, 1.0, size=(4, 5))
    pair = average_frames(frames, response=response)
    assert torch.equal(pair.sharp, frames[2:3])
    torch.testing.assert_close(pair.blurry, to_display(torch.full((1, 3, 4, 5), 0.4), response))
    if response == "gamma 2.2":
        assert pair.blurry[0, 0, 0, 0].item() == pytest.approx(0.4 ** (1 / 2.2), abs=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: replace(STILL, response="film"), "choose one of"),
        (lambda: replace(STILL, moments=0), "moments"),
        (lambda: replace(STILL, travel=(5, 3)), "travel from 5 to 3"),
        (lambda: replace(STILL, things=(-1, 3)), "things from -1 to 3"),
        (lambda: replace(STILL, thing_travel=(-1, 3)), "thing_travel from -1 to 3"),
        (lambda: replace(STILL, roll=-1), "roll -1"),
        (lambda: replace(STILL, sigma=-1), "sigma -1"),
        (lambda: replace(STILL, gain=0), "gain 0"),
        (lambda: replace(STILL, jpeg=0), "quality 0"),
        (lambda: draw_scene(torch.ones(3, 9, 9), camera=STILL), "give \\(count"),
        (lambda: draw_scene(torch.ones(1, 2, 9, 9), camera=STILL), "1 or 3"),
        (lambda: draw_scene(torch.ones(1, 3, 1, 9), camera=STILL), "2 px or more"),
        (lambda: draw_scene(torch.ones(0, 3, 9, 9), camera=STILL), "give 1 or more"),
        (lambda: draw_scene(torch.ones(1, 3, 9, 9), camera=replace(STILL, things=(0, 1))), "give 2 or more"),
        (lambda: average_frames(torch.ones(4, 3, 9, 9), response="srgb"), "odd number"),
        (lambda: average_frames(torch.ones(1, 3, 9, 9), response="srgb"), "3 or more"),
        (lambda: average_frames(torch.ones(3, 9, 9), response="srgb"), "\\(t, c, h, w\\)"),
        (lambda: average_frames(torch.ones(3, 3, 9, 9), response="film"), "choose one of"),
    ],
)
def test_errors_say_what_to_do(call, words):
    with pytest.raises(UsageError, match=words):
        call()
