"""Is the curve with an open exponent sRGB's at 2.4, none at 1, and inverted exactly?"""

import pytest
import torch

from blurspace.blur.curve import from_light, slope, to_light
from blurspace.blur.exposure import to_linear

VALUES = torch.linspace(0, 1, 101, dtype=torch.float64)


def test_no_curve_and_srgb():
    torch.testing.assert_close(to_light(VALUES, torch.tensor(1.0)), VALUES)
    bright = VALUES > 0.05  # below it sRGB is a straight line
    difference = to_light(VALUES, torch.tensor(2.4)) - to_linear(VALUES)
    assert float(difference[bright].abs().max()) < 2e-3


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.7, 3.1])
def test_the_inverse_and_the_slope(exponent):
    exponent = torch.tensor(exponent, dtype=torch.float64)
    light = to_light(VALUES, exponent).requires_grad_()
    assert light[0] == 0
    assert float(light[-1].detach()) == pytest.approx(1)
    display = from_light(light, exponent)
    torch.testing.assert_close(display, VALUES)
    (gradient,) = torch.autograd.grad(display.sum(), light)
    torch.testing.assert_close(gradient[1:], slope(VALUES, exponent)[1:])
