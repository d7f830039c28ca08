"""Do `transfer` and `kernel --pair` keep the contract: data on stdout, one sentence each, the right exit code?"""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as Pil

from blurspace import cli
from blurspace.data.layouts import find_pairs
from blurspace.io.images import read_photo
from blurspace.io.weights import write_weights
from blurspace.nets.kernel_space import BasisSpace

SHAPE = {"count": 4, "side": 5, "stride": 8}


def save(path, *, seed=0, size=(32, 40)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Pil.fromarray(np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)).save(path)
    return path


def save_space(path, seed):
    torch.manual_seed(seed)
    write_weights(path, {"space": BasisSpace(**SHAPE)}, about={"architecture": {"space": SHAPE}})
    return path


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder to work in, with a space, pairs/sharp and pairs/blur of two pictures, and photos/a and b."""
    monkeypatch.chdir(tmp_path)
    save_space(tmp_path / "space", 0)
    for seed, name in enumerate("pq"):
        sharp = save(tmp_path / "pairs" / "sharp" / f"{name}.png", seed=seed)
        with Pil.open(sharp) as picture:
            values = np.asarray(picture).astype(float)
        (tmp_path / "pairs" / "blur").mkdir(exist_ok=True)
        blurry = np.mean([np.roll(values, step, axis=seed) for step in (-1, 0, 1)], axis=0)
        Pil.fromarray(blurry.round().astype(np.uint8)).save(tmp_path / "pairs" / "blur" / f"{name}.png")
        save(tmp_path / "photos" / f"{'ab'[seed]}.png", seed=seed + 5, size=(24, 33))
    (tmp_path / "bad.png").write_bytes(b"")
    (tmp_path / "pairs.csv").write_text("sharp,blurry\npairs/sharp/p.png,pairs/blur/p.png\n")
    return tmp_path


@pytest.fixture
def run(capfd):
    def call(line, *, space="space"):
        verb, *rest = line.split()
        code = cli.main([verb, *(["--weights", space] if space else []), *rest])
        out, err = capfd.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


FROM = "--from pairs/sharp/p.png pairs/blur/p.png"


def test_transfer_of_one_pair(run, home):
    result = run(f"transfer {FROM} --to photos -o out")
    assert (result.code, result.out) == (0, "out/blur/a.png\nout/blur/b.png\n")
    assert result.err == "2 written, 0 failed\n"
    pairs = find_pairs(home / "out")
    assert [pair.sharp.name for pair in pairs] == ["a.png", "b.png"]
    assert all(read_photo(one.sharp).pixels.shape == read_photo(one.blurry).pixels.shape for one in pairs)
    assert len(find_pairs(home / "out" / "manifest.csv", layout="manifest")) == 2


def test_pictures_after_to_may_be_many_as_a_shell_expands_them(run, home):
    assert run(f"transfer {FROM} --to photos/a.png photos/b.png -o out -q").err == ""
    assert run(f"transfer {FROM} --to photos/b.png --to photos/a.png -o more -q").out.splitlines() == [
        "more/blur/b.png",
        "more/blur/a.png",
    ]


def test_json_is_one_record_a_picture_and_a_bad_one_stops_nothing(run, home):
    result = run(f"transfer {FROM} --to photos/a.png bad.png photos/b.png -o out --json")
    records = [json.loads(line) for line in result.out.splitlines()]
    assert result.code == 1
    assert [record["output"] for record in records] == ["out/blur/a.png", None, "out/blur/b.png"]
    assert {"input", "output", "sharp", "source", "code", "reason", "seconds"} <= set(records[0])
    assert records[0]["source"] == "pairs/sharp/p.png -> pairs/blur/p.png"
    assert "empty" in records[1]["reason"]
    assert result.err.splitlines() == [f"blurspace: {records[1]['reason']}", "2 written, 1 failed"]
    assert len(find_pairs(home / "out")) == 2


def test_pairs_seed_and_copies(run, home):
    contents = []
    for number, seed in enumerate((3, 3, 4, 5, 6)):
        run(f"transfer --pairs pairs --to photos -o out{number} --copies 2 --seed {seed}")
        contents.append({path.name: path.read_bytes() for path in (home / f"out{number}" / "blur").iterdir()})
    assert sorted(contents[0]) == ["a-2.png", "a.png", "b-2.png", "b.png"]
    assert contents[0] == contents[1]
    assert any(other != contents[0] for other in contents[2:])
    assert run("transfer --pairs pairs --layout folders --to photos -o folders").code == 0
    assert run("transfer --pairs pairs.csv --centred --to photos -o listed -v").err.splitlines()[0] == (
        "photos/a.png: the blur of pairs/sharp/p.png -> pairs/blur/p.png"
    )


def test_bank_is_stored_and_used(run, home):
    stored = run("transfer --pairs pairs --bank bank")
    assert (stored.code, stored.out) == (0, "bank\n")
    assert run("transfer --bank bank --to photos -o one").code == 0
    assert run("transfer --pairs pairs --to photos -o two").code == 0
    for name in ("blur/a.png", "blur/b.png", "manifest.csv"):
        assert (home / "one" / name).read_bytes() == (home / "two" / name).read_bytes()
    again = run(f"transfer {FROM} --bank bank")
    assert (again.code, again.err.count("\n")) == (1, 1)
    record = json.loads(run(f"transfer {FROM} --bank bank --overwrite --json").out)
    assert (record["bank"], record["codes"], len(record["space"])) == ("bank", 1, 64)
    assert run("transfer --pairs pairs.csv --bank pairs.csv --overwrite").code == 1
    assert run("transfer --from photos/a.png photos/b.png --bank photos/a.png --overwrite").code == 1


def test_bank_of_another_space_is_refused(run, home):
    save_space(home / "other", 1)
    run(f"transfer {FROM} --bank bank")
    result = run("transfer --bank bank --to photos -o out", space="other")
    assert (result.code, result.out, result.err.count("\n")) == (4, "", 1)
    assert "another kernel space" in result.err
    assert not (home / "out").exists()


def test_two_equal_pictures_change_nothing(run, home):
    run("transfer --from photos/a.png photos/a.png --to pairs/sharp -o out")
    for pair in find_pairs(home / "out"):
        assert (read_photo(pair.sharp).pixels - read_photo(pair.blurry).pixels).abs().max() <= 1 / 255 + 1e-6


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("--to photos -o out", 2, "no blur was given"),
        (f"{FROM} -o out", 2, "give --to"),
        (FROM, 2, "--bank FILE"),
        ("--bank bank", 2, "give --to"),
        (f"{FROM} --to photos", 2, "-o FOLDER"),
        (f"{FROM} --bank bank -o out", 2, "-o is for pictures"),
        (f"{FROM} --bank bank --to photos -o out", 2, "two sources of blur"),
        (f"{FROM} --pairs pairs --to photos -o out", 2, "--from and --pairs"),
        (f"{FROM} --layout reds --to photos -o out", 2, "--layout"),
        (f"{FROM} photos -o out", 2, "after --to"),
        (f"{FROM} --to photos -o out --copies 0", 2, "0 copies"),
        ("--from pairs/sharp/p.png", 2, "2 arguments"),
        ("--from pairs/sharp/p.png --to photos -o out", 2, "--to is no picture"),
        ("--pairs pairs --layout floders --to photos -o out", 2, "did you mean folders?"),
        ("--from pairs/sharp/p.png photos/a.png --to photos -o out", 2, "40 x 32 pixels and its partner"),
        ("--from pairs/sharp/p.png bad.png --to photos -o out", 1, "bad.png is empty"),
        ("--from pairs/sharp/p.png none.png --to photos -o out", 3, "none.png does not exist"),
        ("--pairs none --to photos -o out", 3, "none does not exist"),
        ("--pairs photos --to photos -o out", 3, "no sharp-blurry pairs"),
        (f"{FROM} --to none.png -o out", 3, "none.png"),
        (f"{FROM} --to bad.png -o out", 1, "bad.png is empty"),
        (f"{FROM} --to photos -o photos", 1, "not empty"),
        (f"{FROM} --to photos -o bad.png", 1, "is a file"),
        ("--bank none --to photos -o out", 4, "none does not exist"),
        ("--bank space --to photos -o out", 4, "no blur bank"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_no_file(run, home, line, code, told):
    before = sorted(home.rglob("*"))
    result = run(f"transfer {line}")
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert told in result.err
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize("verb", [f"transfer {FROM} --to photos -o out", "kernel --pair photos/a.png photos/b.png"])
def test_weights_that_are_no_space(run, home, verb):
    write_weights(home / "wrong", {"net": torch.nn.Linear(1, 1)}, about={"architecture": {"net": {}}})
    assert "no kernel space" in run(verb, space="wrong").err
    assert [run(verb, space=name).code for name in ("wrong", "none", "bad.png")] == [4, 4, 4]


def test_kernel_of_a_pair(run, home):
    result = run("kernel --pair pairs/sharp/p.png pairs/blur/p.png --json --plot k.png --save k.tiff")
    record = json.loads(result.out)
    assert (result.code, record["input"], record["sharp"]) == (0, "pairs/blur/p.png", "pairs/sharp/p.png")
    assert (record["plotted"], record["saved"], record["cells"]) == ("k.png", "k.tiff", [4, 5])
    assert record["reblur_psnr"] > record["sharp_psnr"]
    assert {"length_px", "angle_deg", "exponent", "size"} <= set(record)
    assert tifffile.imread(home / "k.tiff").sum() == pytest.approx(1, abs=1e-3)
    plain = run("kernel --pair pairs/sharp/p.png pairs/blur/p.png")
    assert plain.out.startswith("on average ")
    assert plain.out.count("\n") == 1
    assert run("kernel --pair pairs/sharp/p.png pairs/blur/p.png --plot k.png").code == 1  # it is there already


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("", 2, "either IMAGE or --pair"),
        ("photos/a.png --pair photos/a.png photos/b.png", 2, "either IMAGE or --pair"),
        ("photos/a.png", 2, "give --pair"),
        ("--pair photos/a.png photos/b.png --field", 2, "--field"),
        ("--pair photos/a.png photos/b.png --size 31", 2, "--size"),
        ("--pair photos/a.png photos/b.png --response srgb", 2, "--response"),
        ("--pair photos/a.png pairs/blur/p.png", 2, "33 x 24 pixels and its partner"),
        ("--pair photos/a.png bad.png", 1, "bad.png is empty"),
        ("--pair photos/a.png none.png", 3, "none.png does not exist"),
        ("--pair photos/a.png photos/b.png --plot no/k.png", 1, "no does not exist"),
    ],
)
def test_wrong_ways_to_ask_for_a_kernel(run, home, line, code, told):
    result = run(f"kernel {line}")
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert told in result.err
