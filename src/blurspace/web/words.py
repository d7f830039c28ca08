"""What does the page say of a result, in words that need no knowledge of the numbers behind them?"""

from typing import Any

from blurspace.restore.verdict import fitted
from blurspace.types import Receipt

HEADLINES = {
    "restored": "Restored",
    "left alone": "Left alone",
    "refused": "Not restored: the result could not be believed",
}
ADVICE = {
    "restored": "Look at it at 100 %. Too much of a good thing? Remove less of the blur.",
    "left alone": "The download is your file, byte for byte.",
    "refused": "Try less strength, another place to read the blur from, or a kernel of your own.",
}
# Gains below so many dB, for the eye; the limits are ours.
SEEN = ((0.0, "a loss"), (0.5, "hardly visible"), (1.5, "slight"), (3.0, "visible"))
METHODS = {
    "auto": "one method after another, until one can be believed",
    "learned": "small networks",
    "classical": "no networks",
    "fast": "fewer searches",
    "rotation": "a camera that turned",
    "mild": "a mild softness, in one step",
}


def begun(sentence: str) -> str:
    """With a capital letter; `capitalize` would make dB db."""
    return sentence[:1].upper() + sentence[1:]


def receipt_told(
    receipt: Receipt,
    record: dict[str, Any],
    *,
    strength: float,
    seconds: float,
    known: bool = False,
    painted: bool = False,
) -> dict[str, Any]:
    """The receipt for the page: `headline`, `chance` and `advice` are sentences, `facts` pairs of words.

    `known`: whether the blur was given, of which less is asked; `painted`: whether it was painted where to restore.
    """
    return {
        "verdict": receipt.verdict,
        "code": receipt.code,
        "headline": HEADLINES[receipt.verdict],
        "reason": f"{begun(reason_told(receipt, painted=painted))}.",
        "chance": chance_told(receipt, known=known),
        "advice": ADVICE[receipt.verdict],
        "probability_better": record["probability_better"],
        "expected_gain_db": record["expected_gain_db"],
        "strength": strength,
        "facts": [[name, value] for name, value in _facts(receipt, record, strength, seconds).items() if value],
        "notes": [f"{begun(str(note))}." for note in record["notes"]],
    }


def reason_told(receipt: Receipt, *, painted: bool) -> str:
    """Why; where a part was painted, only that part was looked at."""
    if painted and receipt.code in ("nothing_to_judge_by", "sharp"):
        return receipt.reason.replace("the photo ", "what you painted ")
    return receipt.reason


def chance_told(receipt: Receipt, *, known: bool = False) -> str:
    """How sure it is that the result is nearer to the sharp picture than the photo is."""
    if receipt.verdict == "left alone":
        return ""
    if receipt.probability_better is None:
        return "How likely it is to be better is not known."
    chance, gain = _percent(receipt.probability_better), receipt.expected_gain_db
    if receipt.verdict == "refused":
        least = fitted().least_known if known else fitted().least
        few = f", too little to be believed: {_percent(least)} are asked for"
        return f"The chance that it would have helped is {chance}{few if receipt.probability_better < least else ''}."
    more = "" if gain is None else f" Expected gain: {gain:.1f} dB, {_seen(gain)}."
    return f"Chance that it is better: {chance}.{more}"


def _seen(gain: float) -> str:
    """A gain in dB, for the eye."""
    return next((word for most, word in SEEN if gain < most), "clear to see")


def _facts(receipt: Receipt, record: dict[str, Any], strength: float, seconds: float) -> dict[str, str]:
    kernel, region = record["kernel"], record["region"]
    shown = receipt.verdict != "left alone"
    return {
        "Blur found": f"{kernel['length_px']:.0f} px long, at {kernel['angle_deg']:.0f}°" if kernel else "",
        "Confidence in the blur": _percent(kernel["confidence"]) if kernel else "",
        "Blur removed": _percent(strength) if shown else "",
        "Blurred again, likeness to the photo": _decibels(record["reblur_psnr"]),
        "Likeness to the photo": _decibels(record["change_psnr"]),
        "Noise": f"{255 * record['sigma']:.1f} of 255 levels" if record["sigma"] is not None else "",
        "The blur happened in": {"linear": "stored values"}.get(record["light"] or "", record["light"] or ""),
        "Restored where you painted": _percent(region["share"]) + " of the photo" if region else "",
        "Method": record["method"] if shown else "",
        "Time": f"{seconds:.1f} s",
    }


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}".replace("%", " %")


def _decibels(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} dB"
