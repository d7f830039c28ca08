"""How do the colours of print become those of a screen? By way of their profile, where there is one."""

import io

from PIL import Image, ImageCms

BLACK_POINT = ImageCms.Flags.BLACKPOINTCOMPENSATION
BY_PROFILE = "its CMYK colours are written as RGB (sRGB), by way of its profile"
WITHOUT = "its CMYK colours are written as RGB without a profile, so that they may differ from print"


def to_rgb(image: Image.Image, icc: bytes | None) -> tuple[Image.Image, str]:
    """A CMYK image in sRGB, and what to say of it; a profile that cannot be used counts as none."""
    if icc:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
            way = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), "CMYK", "RGB", intent, BLACK_POINT)
            changed = way.apply(image)
            return changed, BY_PROFILE
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    return image.convert("RGB"), WITHOUT
