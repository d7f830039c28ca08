"""What does the report of `adapt` look like? One HTML page that needs nothing else."""

import base64
import html
import json
from collections.abc import Mapping, Sequence

from blurspace.blur.kernels import show
from blurspace.jobs.adapt_report import Found
from blurspace.jobs.each import picture_bytes
from blurspace.types import Image


def report_files(found: Found) -> dict[str, bytes]:
    """The report by file suffix: JSON for programs, and one HTML page that needs nothing else."""
    record = json.dumps({"version": 1, **found.record()}, indent=1, allow_nan=False)
    return {".json": record.encode(), ".html": _page(found).encode()}


def _page(found: Found) -> str:
    rows = "".join(f"<tr>{''.join(_image(one) for one in strip)}</tr>" for strip in found.strips)
    means = [{"way": name, **row, **found.numbers[name]} for name, row in found.pairs.items()]
    judges = [{"who says that it is known blur": name, **row} for name, row in found.judges.items()]
    domains = [{"known blur": name, "distance in dB": value} for name, value in found.distances.items()]
    videos = "" if found.videos is None else _videos(found)
    seen = ("Blurry", "plainly deblurred", "translated", "translated and deblurred", "deblurred as pairs taught")
    kernel = _image(show(found.mixture.mean(), size=129, sqrt=True))
    return f"""<!doctype html><meta charset="utf-8"><title>blurspace adapt: {html.escape(found.verdict)}</title>
<style>body{{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}}
td,th{{padding:.2em .6em;text-align:left}}img{{display:block}}</style>
<h1>{html.escape(_begun(found.verdict))}</h1><p>{html.escape(_begun(found.reason))}.</p>
<p>{found.steps} steps in {found.minutes:.1f} minutes, {found.seconds:.2f} s a picture to translate and deblur it twice;
pictures: {", ".join(f"{count} {name}" for name, count in found.pictures.items())}.
What averages over 64 px show was changed by {found.coarse_change:.2%}.</p>
{videos}<h2>With and without the translation</h2>
<p>psnr (and ssim, where all of a picture counts) on {html.escape(found.truth)} (worst gain over the better
of the first two {found.worst_gain:+.2f} dB); niqe (lower is more natural) and
reblur_psnr (does blurring the result again give the photo?) on blurry pictures that training never saw, of
{"other scenes" if found.other_scenes else "the same scenes: there are too few"}.</p>
{_table(means)}<h2>Is it known blur?</h2>{_table(judges)}
<h2>This camera's blur</h2><p>The mean kernel, from power spectra; noise {found.sigma:.4f}.</p>
<table><tr>{kernel}</tr></table>{_table(domains)}
<h2>{", ".join(seen[: 4 + (found.videos is not None)])}</h2><table>{rows}</table>
"""


def _videos(found: Found) -> str:
    """What was learned from pairs of videos, and from which."""
    assert found.videos is not None
    told = [{"of the videos": name, "": value} for name, value in found.videos.items()]
    return f"""<h2>Pairs in the videos</h2>
<p>Blurry frames, with their sharp neighbours moved onto them by optical flow, where that gives what the blurry frame
shows. A deblurrer learned from them, from the known one on where that is a network of ours; the last frames of each
video it never saw. Below it is "paired" (worst gain over the better of the first two {found.paired_worst_gain:+.2f}
dB). One shot is one scene: how it does elsewhere is not told.</p>{_table(told)}"""


def _begun(sentence: str) -> str:
    """With a capital letter; `capitalize` would make dB db."""
    return sentence[:1].upper() + sentence[1:]


def _table(rows: Sequence[Mapping[str, object]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in names)
    cells = [[html.escape(str(row.get(name, ""))) for name in names] for row in rows]
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
    return f"<table><tr>{head}</tr>{body}</table>"


def _image(picture: Image) -> str:
    data = base64.b64encode(picture_bytes(picture)).decode()
    return f'<td><img src="data:image/png;base64,{data}"></td>'
