"""Does the page say what the receipt says?"""

from dataclasses import replace

import pytest

from blurspace.types import Receipt
from blurspace.web.words import HEADLINES, chance_told, reason_told, receipt_told

RECEIPT = Receipt("restored", "a blur was removed", 0.01, 40.0, 30.0, 4.0, 0.0, "restored", 0.873, 1.94, 0.87)
RECORD = {
    **{"probability_better": 0.873, "expected_gain_db": 1.94, "region": None, "light": "sRGB", "method": "classical"},
    **{"reblur_psnr": 40.0, "change_psnr": None, "sigma": 0.01, "notes": ("a note",)},
    "kernel": {"size": 9, "length_px": 8.6, "angle_deg": 20.4, "confidence": 0.99},
}


def test_the_chance_is_a_sentence():
    assert chance_told(RECEIPT) == "Chance that it is better: 87 %. Expected gain: 1.9 dB, visible."
    for gain, word in ((-0.3, "a loss"), (0.2, "hardly visible"), (1.0, "slight"), (3.4, "clear to see")):
        told = chance_told(replace(RECEIPT, expected_gain_db=gain))
        assert told == f"Chance that it is better: 87 %. Expected gain: {gain} dB, {word}."
    assert chance_told(replace(RECEIPT, verdict="refused")) == "The chance that it would have helped is 87 %."
    few = replace(RECEIPT, verdict="refused", probability_better=0.76)
    asked = "The chance that it would have helped is 76 %, too little to be believed: 80 % are asked for."
    assert chance_told(few) == asked
    assert chance_told(few, known=True) == "The chance that it would have helped is 76 %."
    assert "40 % are asked for" in chance_told(replace(few, probability_better=0.2), known=True)
    assert chance_told(replace(RECEIPT, verdict="left alone")) == ""
    assert "not known" in chance_told(replace(RECEIPT, probability_better=None))


def test_a_part_that_tells_nothing_is_not_the_photo():
    flat = replace(
        RECEIPT, verdict="left alone", reason="the photo has no edges to judge by", code="nothing_to_judge_by"
    )
    assert reason_told(flat, painted=False) == "the photo has no edges to judge by"
    assert reason_told(flat, painted=True) == "what you painted has no edges to judge by"


@pytest.mark.parametrize("verdict", HEADLINES)
def test_every_verdict_has_words(verdict):
    told = receipt_told(replace(RECEIPT, verdict=verdict), RECORD, strength=0.5, seconds=1.23)
    assert told["headline"]
    assert told["advice"]
    assert told["reason"] == "A blur was removed."
    facts = dict(told["facts"])
    assert facts["Blur found"] == "9 px long, at 20°"
    assert facts["Time"] == "1.2 s"
    assert all(facts.values())  # what is not known is not shown
    assert told["notes"] == ["A note."]
