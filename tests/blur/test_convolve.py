"""Does `blur` do what scipy's convolution does, at every border and kernel size, and refuse what it cannot do?"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft, ndimage, signal

from blurspace.blur.convolve import DIRECT_UP_TO, LARGE, blur, fast_size, from_spectrum, to_otf
from blurspace.errors import UsageError

# Our border names in scipy.ndimage's words.
NDIMAGE_MODE = {"replicate": "nearest", "reflect": "mirror", "circular": "wrap", "zero": "constant"}
SIDES = (1, 3, DIRECT_UP_TO, DIRECT_UP_TO + 2, 13)  # both the direct and the FFT way


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("border", NDIMAGE_MODE)
def test_same_size_borders_are_scipys(border, side):
    picture, kernel = random(1, 3, 21, 18), random(1, 1, side, side, seed=1)
    wanted = [ndimage.convolve(plane, kernel[0, 0].numpy(), mode=NDIMAGE_MODE[border]) for plane in picture[0].numpy()]
    np.testing.assert_allclose(blur(picture, kernel, border=border)[0], np.stack(wanted), atol=1e-11)


@pytest.mark.parametrize("side", SIDES)
def test_valid_is_scipys(side):
    picture, kernel = random(1, 1, 21, 18), random(1, 1, side, side, seed=1)
    wanted = signal.fftconvolve(picture[0, 0], kernel[0, 0], mode="valid")
    np.testing.assert_allclose(blur(picture, kernel, border="valid")[0, 0], wanted, atol=1e-11)


@pytest.mark.parametrize("size", [(21, 18), (600, 450)])
def test_plane_by_plane_a_spectrum_becomes_the_same_pictures(size):
    spectrum = torch.fft.rfft2(random(2, 3, *size).float())
    assert (spectrum[0, 0].numel() >= LARGE) == (size == (600, 450))
    assert torch.equal(from_spectrum(spectrum, size), torch.fft.irfft2(spectrum, s=size))


def test_a_large_spectrum_carries_gradients():
    spectrum = torch.fft.rfft2(random(1, 2, 600, 450)).requires_grad_()
    ways = [from_spectrum(spectrum, (600, 450)), torch.fft.irfft2(spectrum, s=(600, 450))]
    found, wanted = (torch.autograd.grad(way.square().sum(), spectrum)[0] for way in ways)
    torch.testing.assert_close(found, wanted)


def test_a_kernel_may_be_bigger_than_the_picture():
    picture, kernel = random(1, 1, 6, 7), random(1, 1, 31, 31, seed=1)
    for border in ("replicate", "zero"):
        wanted = ndimage.convolve(picture[0, 0].numpy(), kernel[0, 0].numpy(), mode=NDIMAGE_MODE[border])
        np.testing.assert_allclose(blur(picture, kernel, border=border)[0, 0], wanted, atol=1e-10)


def test_to_otf_is_the_circular_blur():
    picture, kernel = random(2, 3, 20, 17), random(2, 1, 7, 7, seed=1)
    otf = to_otf(kernel, (20, 17))
    assert otf.shape == (2, 1, 20, 9)
    blurred = torch.fft.irfft2(torch.fft.rfft2(picture) * otf, s=(20, 17))
    torch.testing.assert_close(blurred, blur(picture, kernel, border="circular"))


@pytest.mark.parametrize("border", ["replicate", "reflect", "circular", "zero", "valid"])
@pytest.mark.parametrize("side", [3, 7])
def test_gradients_of_picture_and_kernel(border, side):
    picture = random(2, 1, 8, 9).requires_grad_()
    kernel = random(2, 1, side, side, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, k: blur(x, k, border=border), (picture, kernel))


def test_same_input_same_output():
    picture, kernel = random(2, 3, 64, 50).float(), random(1, 1, 15, 15).float()
    assert torch.equal(blur(picture, kernel), blur(picture, kernel))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5000))
def test_fast_size_is_the_next_good_one(least):
    size = fast_size(least)
    assert size >= least
    # scipy's real transforms are fast for exactly our 2^a 3^b 5^c.
    assert size == fft.next_fast_len(least, real=True)


@pytest.mark.parametrize(
    ("picture", "kernel", "border", "word"),
    [
        ((1, 3, 9, 9), (1, 1, 3, 3), "mirror", "mirror"),
        ((3, 9, 9), (1, 1, 3, 3), "zero", "batch"),
        ((1, 3, 9, 9), (1, 1, 4, 4), "zero", "odd"),
        ((1, 3, 9, 9), (1, 3, 3, 3), "zero", "odd"),
        ((3, 3, 9, 9), (2, 1, 3, 3), "zero", "one per picture"),
        ((1, 3, 9, 9), (1, 1, 19, 19), "reflect", "10 px"),
        ((1, 3, 9, 9), (1, 1, 21, 21), "circular", "10 px"),
        ((1, 3, 9, 9), (1, 1, 11, 11), "valid", "11 px"),
    ],
)
def test_impossible_calls_are_refused(picture, kernel, border, word):
    with pytest.raises(UsageError, match=word):
        blur(torch.zeros(picture), torch.zeros(kernel), border=border)


def test_the_biggest_possible_kernels_are_not_refused():
    picture = random(1, 1, 9, 12)
    assert blur(picture, random(1, 1, 17, 17), border="reflect").shape == picture.shape
    assert blur(picture, random(1, 1, 19, 19), border="circular").shape == picture.shape
    assert blur(picture, random(1, 1, 9, 9), border="valid").shape == (1, 1, 1, 4)


def test_an_otf_smaller_than_its_kernel_is_refused():
    with pytest.raises(UsageError, match="grid"):
        to_otf(torch.zeros(1, 1, 9, 9), (8, 20))
