"""What does a machine see in a picture: which markers, codes and words? Where do its features go in the next one?"""

import importlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from blurspace.pixels import luminance
from blurspace.types import AnyImage

Sight = frozenset[str]
Look = Callable[[AnyImage], Sight]
MARKERS = cv2.aruco.DICT_5X5_100
FEATURES, QUALITY, APART = 400, 0.01, 8  # at most; of the best one's; px between two
WINDOW, LEVELS = 21, 3  # px; halvings: OpenCV's own defaults
ASTRAY, OFF = 1.0, 1.5  # px: there and back; from where it is


def markers(picture: AnyImage) -> Sight:
    """The numbers of all ArUco markers in a picture (1 c h w), display values, as text."""
    dictionary = cv2.aruco.getPredefinedDictionary(MARKERS)
    _, names, _ = cv2.aruco.ArucoDetector(dictionary).detectMarkers(levels(picture))
    return frozenset() if names is None else frozenset(str(int(name)) for name in np.ravel(names))


def codes(picture: AnyImage) -> Sight:
    """The texts of all QR codes and bar codes that are read; of the former, in a picture of twice the size."""
    grey = levels(picture)
    large = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)  # OpenCV misses many smaller ones
    squares = cv2.QRCodeDetectorAruco().detectAndDecodeMulti(large)[1]
    bars = cv2.barcode.BarcodeDetector().detectAndDecodeMulti(grey)[1]
    return frozenset(text for text in (*squares, *bars) if text)


def find_reader() -> Look | None:
    """What reads all print in a picture, each line as `plain` text; None where rapidocr is not installed."""
    try:
        engine: Any = importlib.import_module("rapidocr").RapidOCR(params={"Global.log_level": "critical"})
    except ImportError:
        return None

    def read(picture: AnyImage) -> Sight:
        colours = (255 * picture[0].expand(3, -1, -1).permute(1, 2, 0)).round().clamp(0, 255).byte().numpy()
        return frozenset(map(plain, engine(np.ascontiguousarray(colours)).txts or ()))

    return read


def words(lines: Sight, wanted: Sight) -> Sight:
    """Which of the words that are wanted are in some line: OCR often leaves out what is between two words."""
    return frozenset(word for word in wanted if any(word in line for line in lines))


def plain(text: str) -> str:
    """Only letters and digits, small ones."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def features(picture: AnyImage) -> Any:
    """Where a picture has corners that can be followed (n 2), px: column and row; Shi and Tomasi 1994."""
    found = cv2.goodFeaturesToTrack(levels(picture), FEATURES, QUALITY, APART)
    return np.zeros((0, 2), np.float32) if found is None else found.reshape(-1, 2)


def followed(places: Any, first: AnyImage, second: AnyImage) -> Any:
    """Where (n 2) the features of a picture are in the next, by pyramids of Lucas and Kanade; NaN where they are lost.

    Lost is what does not come back to where it began.
    """
    if not len(places):
        return places
    how: dict[str, Any] = {"winSize": (WINDOW, WINDOW), "maxLevel": LEVELS}
    given, last = levels(first), levels(second)
    there, ok, _ = cv2.calcOpticalFlowPyrLK(given, last, places, None, **how)  # type: ignore[call-overload]
    back, again, _ = cv2.calcOpticalFlowPyrLK(last, given, there, None, **how)  # type: ignore[call-overload]
    sure = (ok.ravel() > 0) & (again.ravel() > 0) & (np.linalg.norm(back - places, axis=-1) < ASTRAY)
    return np.where(sure[:, None], there, np.nan)


def kept(places: Any, truth: Any) -> Sight:
    """Which features (by number) are where they should be."""
    with np.errstate(invalid="ignore"):
        near = np.linalg.norm(places - truth, axis=-1) < OFF
    return frozenset(str(number) for number in np.flatnonzero(near))


def levels(picture: AnyImage) -> Any:
    """Grey levels (h w) of 255, as detectors want them."""
    return (luminance(picture)[0, 0] * 255).round().clamp(0, 255).byte().numpy()
