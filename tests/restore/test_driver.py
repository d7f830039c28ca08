"""Does a photo in tiles become what it becomes as a whole, in any memory, and does the work stop when told to?"""

import functools
import gc
import time
import weakref
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
import torch
from torch.nn import functional

from blurspace.areas import tiles, whole
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line, shake
from blurspace.blur.varying import KernelField, blur_varying, draw_rotation_path, rotation_field
from blurspace.builders import build_deblurrer
from blurspace.errors import Cancelled, MemoryExhaustedError, UsageError
from blurspace.restore.blurs import FieldBlur, UniformBlur
from blurspace.restore.candidates import begin
from blurspace.restore.driver import Found, Method, deblur, in_tiles
from blurspace.restore.evidence import Evidence, gather
from blurspace.restore.network import BYTES_PER_PX
from blurspace.restore.observed import Observed
from blurspace.restore.total_variation import total_variation
from blurspace.restore.translated import camera
from blurspace.run import Run

from .made import finding, made_method, restoring
from .scenes import made_scene

SHAKE = shake(15, extent=13, generator=torch.Generator().manual_seed(3))
SIZE = (260, 300)
PLENTY = 2**40


def turned():
    path = draw_rotation_path(extent=9, focal=300, roll=1.5, generator=torch.Generator().manual_seed(1))
    return rotation_field(path, SIZE, focal=300, rows=2, columns=2)


def photo(channels=3, *, by=SHAKE):
    """A made photo (1 c h w) under a kernel or a field, of 8 bits but as floats."""
    scene = made_scene(320, seed=5, channels=channels)[..., 10 : 10 + SIZE[0], 10 : 10 + SIZE[1]]
    blurry = blur_varying(scene, by) if isinstance(by, KernelField) else blur(scene, by)
    noise = 0.004 * torch.randn(blurry.shape, generator=torch.Generator().manual_seed(7))
    return ((blurry + noise).clamp(0, 1) * 255).round() / 255


@dataclass(frozen=True)
class Case:
    """A method that is to be the same in tiles, and what it finds; `by`: what blurred the photo."""

    method: str
    blur: UniformBlur | FieldBlur | None = None
    by: object = SHAKE

    def restored(self, run):
        """What it makes of the photo, whatever a receipt would say."""
        given = self.blur if self.method == "kaufman2020-small" else None
        seen = Observed(photo(by=self.by), given=given)
        method = build_deblurrer(self.method).methods[0]
        found = method.find(seen, run) if given or self.blur is None else Found(self.blur, known=True)
        return in_tiles(seen, method, found, run)


CASES = {
    "classical": Case("classical", UniformBlur(SHAKE)),
    "rotation": Case("rotation", FieldBlur(turned()), turned()),
    "learned": Case("learned", UniformBlur(SHAKE)),
    "kaufman2020-small": Case("kaufman2020-small", UniformBlur(SHAKE)),
    "belt": Case("belt"),
}


@functools.cache
def as_a_whole(name):
    """What the case makes of the photo in one tile: two tests compare with it."""
    return CASES[name].restored(Run(memory=PLENTY))


PX = {"classical": 240**2, "rotation": 270**2, "learned": 240**2, "kaufman2020-small": 240**2, "belt": 240**2}
BYTES = {"classical": 350, "rotation": 350, "learned": 420, "kaufman2020-small": 750, "belt": 600}


def counted(px, bytes_per_px):
    """A run with memory for tiles of so many px, margins included, and the list of its steps."""
    steps = []
    return Run(memory=px * bytes_per_px, on_step=lambda *step: steps.append(step)), steps


@pytest.mark.parametrize("name", CASES)
def test_in_tiles_it_is_what_it_is_as_a_whole(name):
    expected = as_a_whole(name)
    run, steps = counted(PX[name], BYTES[name])
    found = CASES[name].restored(run)
    assert max(total for stage, _, total in steps if stage == "restoring") >= 4
    frame = 24
    inner = (..., slice(frame, -frame), slice(frame, -frame))
    assert float((found.picture - expected.picture)[inner].abs().max()) <= 1 / 255
    one, other = found.evidence, expected.evidence
    assert one.change_psnr == pytest.approx(other.change_psnr, abs=0.1)
    assert one.reblur_psnr == pytest.approx(other.reblur_psnr, abs=0.3)
    torch.testing.assert_close(found.blur.length_angle()[0], expected.blur.length_angle()[0], atol=0.5, rtol=0)


def test_a_translation_in_tiles_is_what_it_is_as_a_whole():
    def local(picture):
        return functional.avg_pool2d(picture, 3, stride=1, padding=1, count_include_pad=False).lerp(picture, 0.7)

    classical = build_deblurrer("classical").methods[0]
    known = [replace(classical, find=finding(UniformBlur(SHAKE)))]
    own = camera(local, known, build_deblurrer("belt").methods[0].space)
    steps = []
    find = own.translation
    whole_photo = find(Observed(photo()), Run(memory=PLENTY))
    in_pieces = find(Observed(photo()), Run(memory=BYTES_PER_PX * 260**2, on_step=lambda *step: steps.append(step)))
    assert max(total for stage, _, total in steps if stage == "translating") >= 4
    torch.testing.assert_close(in_pieces.picture, whole_photo.picture, atol=1e-4, rtol=0)


@pytest.mark.parametrize("side", [64, 97, 150])
def test_the_evidence_of_tiles_adds_up_to_that_of_the_whole(side):
    seen, restored = photo(), photo().lerp(made_scene(320, seed=5, channels=3)[..., 10:270, 10:310], 0.8)
    seen[..., 60:140, 80:200] = 0.5  # something flat
    reblurred, reach = blur(restored, SHAKE), SHAKE.shape[-1] // 2
    total = Evidence()
    for area in tiles(SIZE, side):
        outer = area.grown(reach + 1)
        pieces = [outer.cut(picture) for picture in (seen, restored, reblurred)]
        total = total + gather(*pieces, reach=reach, area=area, outer=outer)
    expected = gather(seen, restored, reblurred, reach=reach)
    assert expected.flat_count > 0
    for name, value in vars(expected).items():
        assert getattr(total, name) == pytest.approx(value, rel=1e-4), name


def identity(**facts):
    return made_method(lambda tile: tile, UniformBlur(SHAKE), **facts)


def fitting(most):
    """A restorer that has memory for tiles of at most `most` px, and the sizes that it was given."""
    asked = []

    def restore(tile):
        asked.append(tile.shape[-2] * tile.shape[-1])
        if asked[-1] > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return tile

    return restoring(restore, margin=8), asked


def test_tiles_get_smaller_until_they_fit():
    restorer, asked = fitting(120**2)
    result = in_tiles(Observed(photo()), Method("made", finding(UniformBlur(SHAKE)), restorer), found(), Run())
    assert asked[0] == SIZE[0] * SIZE[1]
    assert max(asked[-4:]) <= 120**2
    torch.testing.assert_close(result.picture, photo())


def found():
    return Found(UniformBlur(SHAKE))


def test_where_no_tile_fits_there_is_no_memory():
    restorer, asked = fitting(0)
    with pytest.raises(MemoryExhaustedError, match="not even a tile of 64 px fits into memory"):
        in_tiles(Observed(photo()), Method("made", finding(UniformBlur(SHAKE)), restorer), found(), Run())
    assert all(more > less for more, less in pairwise(asked))


def test_other_errors_are_what_they_are():
    def restore(tile):
        raise RuntimeError("sizes do not match")

    with pytest.raises(RuntimeError, match="sizes do not match"):
        in_tiles(Observed(photo()), made_method(restore, UniformBlur(SHAKE)), found(), Run())


@pytest.mark.parametrize("run", [Run(cancelled=lambda: True), Run(deadline=time.monotonic() - 1)])
@pytest.mark.parametrize("method", ["classical", "learned", "auto", "rotation", "kaufman2020-small", "belt"])
def test_nothing_is_done_when_it_is_to_stop(method, run):
    with pytest.raises(Cancelled):
        build_deblurrer(method)(photo()[..., :96, :96], run=run)


@pytest.mark.parametrize("after", [1, 5, 40])
def test_the_work_stops_soon_after_it_is_told_to(after):
    asked = []

    def cancelled():
        asked.append(None)
        return len(asked) > after

    deblurrer = build_deblurrer("classical", size=15)
    with pytest.raises(Cancelled):
        deblurrer(photo(1)[..., :128, :128], run=Run(cancelled=cancelled))
    assert len(asked) == after + 1


STAGES = {
    "classical": ["looking for the blur", "restoring"],
    "learned": ["looking for the blur", "restoring"],
    "rotation": ["looking for the blur", "looking for a turn of the camera", "restoring"],
    "kaufman2020-small": ["reading the kernel", "restoring"],
    "belt": ["restoring"],
}


@pytest.mark.parametrize("method", STAGES)
def test_steps_tell_how_far_the_work_is(method):
    options = {"size": 15, "response": "linear"} if method in ("classical", "learned", "rotation") else {}
    steps = []
    build_deblurrer(method, **options)(photo()[..., :128, :128], run=Run(on_step=lambda *step: steps.append(step)))
    assert list(dict.fromkeys(stage for stage, _, _ in steps)) == STAGES[method]
    for stage in STAGES[method]:
        shares = [done / total for name, done, total in steps if name == stage]
        assert shares[0] == 0
        assert shares == sorted(shares)
        assert shares[-1] == 1


@pytest.mark.parametrize("method", ["classical", "learned"])
def test_stored_pixels_become_what_floats_become(method):
    pixels = photo(by=line(9, 20.0))[..., :180, :200]
    deblurrer = build_deblurrer(method, kernel=line(9, 20.0))
    expected = deblurrer(pixels)
    for dtype, most in ((torch.uint8, 255), (torch.uint16, 65535)):
        result = deblurrer((pixels * most).round().to(torch.int32).to(dtype))
        assert result.restored.dtype == dtype
        assert result.receipt.verdict == "restored"
        assert torch.equal(result.restored.to(torch.int32), (expected.restored * most).round().to(torch.int32))
        for fact in ("sigma", "reblur_psnr", "change_psnr", "ringing"):
            assert getattr(result.receipt, fact) == pytest.approx(getattr(expected.receipt, fact), rel=1e-3)


def test_a_kernel_that_is_near_spares_the_searches():
    blurry = blur(made_scene(160, seed=4), line(13, 30.0), border="valid")
    fresh = build_deblurrer("classical", size=17, response="linear")(blurry)

    def no_search(*given, **options):
        raise AssertionError("a search was begun")

    started = replace(begin(blurry), find=no_search).near(fresh.kernel)
    assert started.confidence > 0.97
    again = build_deblurrer("classical", response="linear")(blurry, near=fresh.blur)
    assert torch.equal(again.kernel, started.kernel)
    assert again.confidence == started.confidence
    assert again.receipt.verdict == "restored"
    assert again.blur.length_angle() == pytest.approx(fresh.blur.length_angle(), abs=2)


def big_tensors(least):
    return sum(type(one) is torch.Tensor and one.numel() >= least for one in gc.get_objects())


@pytest.mark.parametrize("method", ["classical", "learned", "kaufman2020-small", "belt"])
def test_nothing_of_a_pictures_size_stays_after_a_call(method):
    deblurrer = build_deblurrer(method, **({} if method == "belt" else {"kernel": SHAKE}))
    picture = photo()[..., :200, :230]
    least = 200 * 116  # a half spectrum
    gc.collect()
    before = big_tensors(least)
    result = deblurrer(picture)
    kept = weakref.ref(result.restored), weakref.ref(picture)
    del result, picture
    gc.collect()
    assert [one() for one in kept] == [None, None]
    assert big_tensors(least) <= before - 1  # the picture itself


def test_methods_that_find_nothing_say_so():
    nothing = Method("made", lambda seen, run: None, total_variation)
    with pytest.raises(UsageError, match="made finds nothing"):
        deblur(Observed(photo()), [nothing], Run())


def test_areas_of_a_result_are_all_filled():
    run, _ = counted(100**2, 100)
    result = in_tiles(Observed(photo()), identity(margin=8), found(), run)
    torch.testing.assert_close(result.picture, photo())
    assert result.evidence.change == 0
    assert result.evidence.change_count == photo().numel()
    assert whole(SIZE).size == SIZE


@pytest.mark.parametrize("method", ["learned", "kaufman2020-small", "belt"])
def test_networks_in_half_precision_make_about_the_same(method):
    expected, result = as_a_whole(method), CASES[method].restored(Run(half=True))
    assert result.picture.dtype == torch.float32
    off = (result.picture - expected.picture).abs()
    assert 0 < float(off.mean()) < 0.5 / 255
    assert float(off.max()) < 8 / 255
