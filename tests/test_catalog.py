"""Is every card true: can it be built, are its papers known, is its file the one it describes?"""

import dataclasses
import hashlib
from pathlib import Path

import pytest

from blurspace import catalog
from blurspace.bench.result import read_csv
from blurspace.errors import ModelError, UsageError
from blurspace.papers import PAPERS


@pytest.mark.parametrize("card", catalog.CARDS.values(), ids=lambda card: card.name)
def test_card(card):
    assert catalog.find_card(card.name) is card
    assert callable(catalog.load_builder(card))
    assert catalog.verify(card)
    assert set(card.papers) <= set(PAPERS)
    assert (card.weights is None) == (card.sha256 is None)
    for numbers in card.measured.values():
        rows = Path(__file__).parent.parent / numbers["rows"]
        summary = read_csv(rows.read_text(encoding="utf-8")).summary
        for name in numbers.keys() - {"rows"}:
            assert numbers[name] == pytest.approx(summary[name], abs=0.005)


@pytest.mark.parametrize("key", PAPERS)
def test_paper(key):
    paper = PAPERS[key]
    assert paper.bibtex.splitlines()[0].endswith(f"{{{key},")
    assert paper.bibtex.count("{") == paper.bibtex.count("}")
    assert paper.text.endswith(f"{key[-4:]}.")
    assert catalog.papers_behind(key) == (key,)


def test_unknown_names_say_what_there_is():
    with pytest.raises(ModelError, match="classical"):
        catalog.find_card("nothing")
    with pytest.raises(UsageError, match="levin"):
        catalog.papers_behind("nothing")


def test_missing_and_tampered_weights_are_found(tmp_path):
    good = b"weights"
    card = dataclasses.replace(
        catalog.CARDS["classical"], weights="w.safetensors", sha256=hashlib.sha256(good).hexdigest()
    )
    with pytest.raises(ModelError, match="missing"):
        catalog.verify(card, folder=tmp_path)
    (tmp_path / "w.safetensors").write_bytes(b"Weights")
    with pytest.raises(ModelError, match="not the file"):
        catalog.verify(card, folder=tmp_path)
    (tmp_path / "w.safetensors").write_bytes(good)
    assert "has the weights" in catalog.verify(card, folder=tmp_path)


def test_missing_builder_is_a_model_error():
    for builder in ("blurspace.nowhere:Thing", "blurspace.errors:Nothing"):
        card = dataclasses.replace(catalog.CARDS["classical"], builder=builder)
        with pytest.raises(ModelError, match="reinstall"):
            catalog.load_builder(card)
