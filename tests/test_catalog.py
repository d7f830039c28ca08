"""Is every card true: can it be built, are its papers known, are its files those that it describes?"""

import dataclasses
import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from blurspace import builders, catalog
from blurspace.bench.result import read_csv
from blurspace.blur.kernels import line
from blurspace.catalog import ALL, KNOWN, OLD_NAMES, Options
from blurspace.cli import main
from blurspace.errors import ModelError, UsageError
from blurspace.io.weights import read_weights
from blurspace.papers import PAPERS

from .restore.scenes import made_scene

ASKED = {"kernel": line(3, 0), "size": 11, "response": "srgb", "strength": 0.5}
ASKED |= {"force": True, "minutes": 9.0, "seed": 3, "generator": "printer"}


@pytest.mark.parametrize("card", catalog.CARDS.values(), ids=lambda card: card.name)
def test_card(card):
    assert catalog.find_card(card.name) is card
    assert catalog.verify(card)
    assert set(card.papers) <= set(PAPERS)
    assert list(card.record())[:8] == [
        *("name", "task", "parameters", "bytes", "sha256", "licence", "trained_on", "measured")
    ]
    if card.weights:
        path = catalog.WEIGHTS / next(iter(card.weights))
        assert card.bytes == path.stat().st_size
        assert card.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        tensors = {name: one for name, one in read_weights(path)[0].items() if not name.endswith(".scale")}
        assert card.parameters == sum(one.numel() for one in tensors.values())
    else:
        assert (card.parameters, card.bytes, card.sha256) == (0, 0, None)
    for numbers in card.measured.values():
        rows = Path(__file__).parent.parent / numbers["rows"]
        summary = read_csv(rows.read_text(encoding="utf-8")).summary
        for name in numbers.keys() - {"rows"}:
            assert numbers[name] == pytest.approx(summary[name], abs=0.005)


@pytest.mark.parametrize("name", catalog.deblurrers())
def test_what_deblurs_is_built_with_the_options_it_knows_and_no_other(name):
    card = catalog.find_card(name)
    deblurrer = builders.build_deblurrer(name, **{option: ASKED[option] for option in card.options})
    assert deblurrer.methods
    assert all(method.name for method in deblurrer.methods)
    assert deblurrer.methods[0].name == ("learned" if name == "auto" else name)
    for option in set(ALL) - set(card.options):
        with pytest.raises(UsageError, match=f"{name} knows no .*{option}.*: leave (it|them) out or take another"):
            builders.build_deblurrer(name, **{option: ASKED[option]})


def test_the_sentence_on_options():
    with pytest.raises(UsageError, match=r"^belt knows no size: leave it out or take another method$"):
        Options(size=9).check("belt", ())
    with pytest.raises(UsageError, match=r"^belt knows no size, strength or seed: leave them out or"):
        Options(size=9, strength=0.5, seed=1).check("belt", ())
    with pytest.raises(UsageError, match=r"^rotation knows no kernel: leave it out or take another method$"):
        Options(kernel=line(3, 0)).check("rotation", ALL[1:])
    Options(strength=1).check("belt", ())


@pytest.mark.parametrize("name", ["search", "manifold"])
def test_a_search_cannot_be_forced(name):
    words = f"^{name} knows no .*force: leave (it|them) out or take another method$"
    with pytest.raises(UsageError, match=words) as told:
        builders.build_deblurrer(name, kernel=line(3, 0), force=True)
    assert told.value.exit_code == 2


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"minutes": 0.0}, "^0 minutes were given for a search: give more than 0$"),
        ({"minutes": float("nan")}, "^nan minutes were given"),
        ({"seed": -1}, "^a seed of -1 was given: give a whole number from 0 to"),
        ({"seed": 2**63}, "^a seed of 9223372036854775808 was given"),
    ],
)
def test_minutes_and_seeds_that_make_no_sense(option, words):
    with pytest.raises(UsageError, match=words):
        builders.build_deblurrer("search", **option)


def test_cards_that_do_not_deblur():
    others = set(catalog.CARDS) - set(catalog.deblurrers())
    assert others == {"kernel-space", "features", "niqe"}
    for name in (*others, "paint"):
        with pytest.raises(ModelError, match=f"no method to deblur is named {name}: give one of auto, classical, "):
            builders.build_deblurrer(name)


def test_old_names():
    said = []
    assert catalog.current_name("learned", said.append) == "learned"
    assert not said
    assert catalog.current_name("fourier-pair with true kernel", said.append) == "learned with true kernel"
    assert said == ["fourier-pair is called learned now"]
    for old, new in OLD_NAMES.items():
        assert catalog.find_card(old) is catalog.find_card(new)
        assert builders.build_deblurrer(old).methods[0].name == new


def test_old_names_at_the_doors(capsys):
    """The note comes even where the rest goes wrong."""
    for typed in (["deblur", "missing.png"], ["bench", "levin"]):
        assert main([*typed, "--method", "fourier-pair"]) in (2, 3)
        said = capsys.readouterr()
        assert said.err.startswith("fourier-pair is called learned now\n")
        assert not said.out


def test_known_domains_have_a_deblurrer():
    assert KNOWN == {"belt": "belt", "shakes": "auto"}


def test_the_table_needs_no_torch():
    code = "import sys, blurspace.catalog; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("key", PAPERS)
def test_paper(key):
    paper = PAPERS[key]
    assert paper.bibtex.splitlines()[0].endswith(f"{{{key},")
    assert paper.bibtex.count("{") == paper.bibtex.count("}")
    assert paper.text.endswith(f"{key[-4:]}.")
    assert catalog.papers_behind(key) == (key,)


def test_no_paper_in_the_file_is_passed_over():
    text = (catalog.WEIGHTS.parent / "papers.bib").read_text("utf-8")
    assert len(PAPERS) == sum(line.startswith("@") for line in text.splitlines())
    assert text == "\n\n".join(paper.bibtex for paper in PAPERS.values()) + "\n"


def test_unknown_names_say_what_there_is():
    with pytest.raises(ModelError, match="classical"):
        catalog.find_card("nothing")
    with pytest.raises(UsageError, match="levin"):
        catalog.papers_behind("nothing")


def test_missing_and_tampered_weights_are_found(tmp_path):
    good = b"weights"
    weights = {"v.safetensors": hashlib.sha256(b"v").hexdigest(), "w.safetensors": hashlib.sha256(good).hexdigest()}
    card = dataclasses.replace(catalog.CARDS["classical"], weights=weights)
    (tmp_path / "v.safetensors").write_bytes(b"v")
    with pytest.raises(ModelError, match=r"missing at .*w\.safetensors"):
        catalog.verify(card, folder=tmp_path)
    (tmp_path / "w.safetensors").write_bytes(b"Weights")
    with pytest.raises(ModelError, match="not the file"):
        catalog.verify(card, folder=tmp_path)
    (tmp_path / "w.safetensors").write_bytes(good)
    assert "has the weights" in catalog.verify(card, folder=tmp_path)


@pytest.mark.parametrize("name", [*catalog.deblurrers(), "kernel-space", "features", "niqe"])
def test_what_is_built_is_verified(name, tmp_path, monkeypatch):
    """One door for all weights: a file that was changed is refused, whoever wants it."""
    card = catalog.find_card(name)
    for file in card.weights:
        (tmp_path / file).write_bytes((catalog.WEIGHTS / file).read_bytes()[:-1])
    monkeypatch.setattr("blurspace.catalog.WEIGHTS", tmp_path)
    others = {
        "kernel-space": builders.build_space,
        "features": builders.build_features,
        "niqe": builders.build_naturalness,
    }
    build = others.get(name, lambda: builders.build_deblurrer(name))
    if not card.weights:
        build()
        return
    with pytest.raises(ModelError, match="is not the file that the card of"):
        build()


@pytest.mark.parametrize("name", ["learned", "kaufman2020-small", "belt"])
def test_two_threads_share_one_deblurrer(name):
    """Each gets what it would have got alone."""
    from blurspace.blur.convolve import blur

    kernel = line(5, 20)
    known = {"kernel": kernel} if "kernel" in catalog.find_card(name).options else {}
    deblurrer = builders.build_deblurrer(name, **known)
    pictures = [blur(made_scene(96, seed=seed, channels=3), kernel) for seed in range(4)]
    alone = [deblurrer(picture) for picture in pictures]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(deblurrer, pictures))
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one.restored, other.restored)
        assert one.receipt == other.receipt
    assert not torch.equal(alone[0].restored, alone[1].restored)
