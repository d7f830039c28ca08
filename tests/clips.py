"""Small made videos: pictures that are given, with whatever else is in a file."""

from fractions import Fraction
from pathlib import Path

import numpy as np

UNIT = Fraction(1, 1000)  # s
SOUND = 48000  # Hz


def make_clip(
    path,
    pictures,
    *,
    codec="libx264",
    pixels="yuv420p",
    times=None,
    sound=False,
    subtitles=None,
    turn=0,
    options=None,
    tags=None,
    timecode=None,
):
    """Write pictures (h w 3, uint8, or uint16 for deep ones) at 25 a second, or at `times` in ms."""
    import av

    path = Path(path)
    times = times or [40 * place for place in range(len(pictures))]
    with av.open(str(path), "w") as made:
        stream = made.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixels
        stream.codec_context.time_base = UNIT
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        if timecode:
            stream.metadata["timecode"] = timecode
        if turn:
            stream.set_display_rotation(turn)
        voice = made.add_stream("aac", rate=SOUND) if sound else None
        words = made.add_mux_stream(subtitles) if subtitles else None
        made.metadata["title"] = "a made clip"
        if voice:
            voice.metadata["language"] = "deu"
        for time, picture in zip(times, pictures, strict=True):
            deep = picture.dtype == np.uint16
            frame = av.VideoFrame.from_ndarray(picture, format="rgb48le" if deep else "rgb24")
            frame.pts, frame.time_base = time, UNIT
            made.mux(stream.encode(frame))
        made.mux(stream.encode())
        if voice:
            noise = np.random.default_rng(0)
            for block in range(times[-1] * SOUND // 1000 // 1024):
                heard = noise.normal(0, 0.1, (2, 1024)).astype(np.float32)
                part = av.AudioFrame.from_ndarray(heard, format="fltp", layout="stereo")
                part.sample_rate, part.pts = SOUND, 1024 * block
                made.mux(voice.encode(part))
            made.mux(voice.encode())
        if words:
            for number, start in enumerate(times[::5]):
                said = f"line {number}".encode()
                packet = av.Packet(len(said).to_bytes(2, "big") + said if subtitles == "mov_text" else said)
                packet.stream, packet.time_base = words, UNIT
                packet.pts = packet.dts = start
                packet.duration = 100
                made.mux(packet)
    return path


def moving(count, *, height=64, width=96, seed=0):
    """Pictures (h w 3, uint8) of a soft pattern that slides by a pixel each time."""
    import cv2

    noise = np.random.default_rng(seed).normal(size=(height, width + count, 3)).astype(np.float32)
    wide = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return [np.ascontiguousarray(wide[:, step : step + width]) for step in range(count)]
