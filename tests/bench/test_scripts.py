"""Do the scripts in benchmarks/ know which rows are of older code, and keep those that were measured?"""

import csv
import importlib.util
import shlex
import sys
from pathlib import Path

import pytest
import torch

from blurspace.bench import synthetic
from blurspace.blur.kernels import shake

FOLDER = Path(__file__).parents[2] / "benchmarks"
LEVIN = "blurspace bench levin --data levin2009 --method blurry --csv benchmarks/levin-blurry.csv"


ROWS = {
    "page": ("the page", 1, "kB", "", True),
    "crowd": ("photos lost", 0, "photos", "", True),
    "many": ("memory", 2, "MiB", "", True),
}


def script(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(monkeypatch, tmp_path):
    """benchmarks/run.py with an index, rows and code of its own: rows of levin depend on one file, scripts on two."""
    monkeypatch.syspath_prepend(FOLDER)
    module = script("run")
    monkeypatch.setattr(module, "INDEX", tmp_path / "index.csv")
    monkeypatch.setattr(module, "HERE", tmp_path / "benchmarks")
    monkeypatch.setattr(module, "SOURCE", tmp_path / "code")
    code = [tmp_path / name for name in ("search.py", "loop.py")]
    monkeypatch.setattr(module, "depends_on", lambda words: code[:1] if "levin" in words else code)
    (tmp_path / "index.csv").write_text("file,command,data,seed,device,date,note,digest\n", encoding="utf-8")
    for file in code:
        file.write_text("1", encoding="utf-8")
    return module


def note(run, file, command):
    run.note_down({"file": file, "command": command, "data": "x", "seed": "none", "note": "test"})


def test_a_row_is_stale_when_its_code_has_changed(run, tmp_path):
    note(run, "levin-blurry.csv", LEVIN)
    note(run, "script.csv", "python benchmarks/script.py kodak24")
    note(run, "old.csv", f"{LEVIN} # at commit 9fc01aa")
    assert list(run.stale()) == []
    for name, expected in (("loop.py", ["script.csv"]), ("search.py", ["levin-blurry.csv", "script.csv"])):
        (tmp_path / name).write_text(f"changed = {name!r}", encoding="utf-8")
        run._code.cache_clear()
        assert [row["file"] for row in run.stale()] == expected
    rows = {row["file"]: row["digest"] for row in run.index()}
    assert (rows["old.csv"], len(rows["levin-blurry.csv"])) == ("unknown", 12)


def test_a_file_is_as_old_as_its_oldest_row(run, tmp_path):
    (tmp_path / "benchmarks").mkdir()
    note(run, "web.csv", command := "python benchmarks/web.py")
    for digests, fresh in (
        ([now := run.digest(command), now], True),
        ([now, "0a1b"], False),
        ([now, "unknown"], False),
    ):
        rows = "".join(f"{number},{digest}\n" for number, digest in enumerate(digests))
        (tmp_path / "benchmarks" / "web.csv").write_text(f"# {{}}\nwhat,digest\n{rows}", encoding="utf-8")
        assert (list(run.stale()) == []) is fresh


def test_parts_that_are_not_measured_again_keep_their_digest(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    web, out = script("web"), tmp_path / "web.csv"
    out.write_text("what,measured,unit,promised,kept\nmemory,1,MiB,,\nthe page,9,kB,,\n", encoding="utf-8")
    monkeypatch.setattr(web, "PARTS", {name: (lambda _, row=row: [row], row[0]) for name, row in ROWS.items()})
    for part, now in (("page", "1"), ("crowd", "2")):
        monkeypatch.setattr(web, "digest", lambda command, now=now: now)
        monkeypatch.setattr(sys, "argv", ["web.py", "--data", "x", "--parts", part, "--out", str(out)])
        web.main()
    told = {row["what"]: row["digest"] for row in csv.DictReader(out.read_text(encoding="utf-8").splitlines())}
    assert told == {"the page": "1", "photos lost": "2", "memory": "unknown"}


@pytest.mark.parametrize(("psnr", "stands"), [(30.51, True), (30.4, False)])
def test_a_stale_row_stands_again_where_its_first_pictures_give_the_same(run, tmp_path, monkeypatch, psnr, stands):
    def measured(bench, target, path):
        assert bench[-2:] == ["--limit", "1"]
        target.write_text(f'# {{"protocol": "p"}}\npicture,psnr,seconds\n1,{psnr},9\n', encoding="utf-8")
        return 0

    (tmp_path / "benchmarks").mkdir()
    rows = '# {"protocol": "p"}\npicture,psnr,seconds\n1,30.5,7\n2,31,7\n'
    (tmp_path / "benchmarks" / "levin-blurry.csv").write_text(rows, encoding="utf-8")
    note(run, "levin-blurry.csv", LEVIN)
    (tmp_path / "search.py").write_text("changed = True", encoding="utf-8")
    run._code.cache_clear()
    (old,) = run.stale()
    monkeypatch.setattr(run, "measure", measured)
    run.check({**old, "date": "2020-01-01"}, tmp_path, 1)
    assert (list(run.stale()) == []) is stands
    assert run.index()[0]["date"] == ("2020-01-01" if stands else old["date"])


@pytest.mark.parametrize(
    ("command", "needed", "needless"),
    [
        ("bench levin --method classical", ["restore/candidates.py", "receipt.toml"], ["restore/mild.py"]),
        ("bench levin --method auto", ["restore/mild.py", "nets/deconvolver.py"], ["nets/analysis.py"]),
        ("bench levin --method 'learned with true kernel'", ["weights/learned.safetensors"], ["restore/mild.py"]),
        ("bench levin --method blurry", ["bench/levin.py"], ["restore/candidates.py"]),
        ("bench pham2024-adapt --method ours", ["train/translator.py"], ["restore/candidates.py"]),
        ("train recipes/belt.toml", ["train/loop.py", "data/crops.py"], ["restore/mild.py"]),
    ],
)
def test_rows_depend_on_what_their_method_needs(monkeypatch, command, needed, needless):
    monkeypatch.syspath_prepend(FOLDER)
    depends = script("depends")
    found = set(depends.depends_on(["blurspace", *shlex.split(command)]))
    assert found >= {depends.SOURCE / name for name in needed}
    assert not found & {depends.SOURCE / name for name in needless}


def test_rows_of_a_script_depend_on_it(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    found = script("depends").depends_on(["python", "benchmarks/unseen.py", "kodak24"])
    assert {FOLDER / "unseen.py", FOLDER / "run.py"} <= set(found)


def test_rows_without_a_digest_are_listed_and_can_be_run_again(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "data" / "bench" / "levin2009").mkdir(parents=True)
    with run.INDEX.open("a", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerow(
            ["levin-blurry.csv", LEVIN, "levin2009", "none", "here", "2026-01-01", "n", "unknown"]
        )
        csv.writer(lines).writerow(
            ["log.csv", "blurspace train x.toml", "p", "0", "here", "2026-01-01", "n", "unknown"]
        )
    asked = []
    monkeypatch.setattr(run, "measure", lambda bench, target, path: asked.append((bench, target.name)) or 0)
    monkeypatch.setattr(sys, "argv", ["run.py", "--stale", "--run", "--root", str(tmp_path / "data"), "l*"])
    assert run.main() == 1
    data = str(tmp_path / "data" / "bench" / "levin2009")
    assert asked == [(["levin", "--data", data, "--method", "blurry"], "levin-blurry.csv")]
    assert "by hand" in capsys.readouterr().out
    assert [row["file"] for row in run.stale()] == ["log.csv"]
    assert next(row["command"] for row in run.index() if row["file"] == "levin-blurry.csv") == LEVIN


def test_before_is_run_with_older_code_and_older_names(run, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(run, "measure", lambda bench, target, path: asked.append((bench, target.name, path)) or 0)
    monkeypatch.setattr(run, "commit", lambda checkout: "a87f867")
    monkeypatch.setattr(run, "compare", lambda old, new: None)
    words = ["levin", "--method", "learned with true kernel"]
    monkeypatch.setattr(sys, "argv", ["run.py", "--before", str(tmp_path), "levin-x.csv", "a note", *words])
    assert run.main() == 0
    assert asked[0] == (["levin", "--method", "fourier-pair with true kernel"], "levin-x.before.csv", tmp_path / "src")
    assert asked[1] == (words, "levin-x.csv", tmp_path)
    rows = {row["file"]: row for row in run.index()}
    assert rows["levin-x.before.csv"]["command"].endswith("levin-x.before.csv # at commit a87f867")
    assert rows["levin-x.before.csv"]["note"] == "a note; before"


def test_rows_of_speed_are_kept_one_by_one_and_busy_ones_measured_again(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    speed, measured = script("speed"), []

    def measure(case, method, data):
        measured.append(case.megapixels)
        others = 1.5 if len(measured) == 1 else 0.0
        more = {"seconds": 1.0, "seconds_per_mp": 1.0, "core_seconds": 1.0, "peak_mib": 1, "verdict": "restored"}
        return {**vars(case), "method": method, **more, "others": others}

    monkeypatch.setattr(speed, "HERE", tmp_path)
    monkeypatch.setattr(speed, "measure", measure)
    monkeypatch.setattr(speed, "note_bench", lambda *_: None)
    monkeypatch.setattr(speed, "digest", lambda command: f"at {len(measured)}")
    for words, expected in (([], [0.25, 1.0]), ([], []), (["--again"], [0.25]), (["--again"], [])):
        before = len(measured)
        monkeypatch.setattr(
            sys, "argv", ["speed.py", "mild", "--data", "8.webp", "--only", "size", "--most", "1", *words]
        )
        speed.main()
        assert measured[before:] == expected
    assert [row["megapixels"] for row in speed.read("mild")] == [0.25, 1.0]
    assert [row["digest"] for row in speed.read("mild")] == ["at 3", "at 2"]


def test_peers_that_are_told_the_kernel_gain(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    peers = script("peers")
    chance = torch.Generator().manual_seed(0)
    kernel = shake(9, extent=9, generator=chance)
    sharp = torch.nn.functional.interpolate(torch.rand(1, 3, 18, 20, generator=chance), scale_factor=6)
    recipe = synthetic.Recipe("short", kernel, 0.005, chance)
    case = peers.Case(synthetic.make_pair(sharp, recipe), recipe)
    for name, (package, needs_kernel, peer) in peers.PEERS.items():
        if package != "deepinv":  # an extra of its own
            outcome = peers.undone(peer, case, kernel)
            row = peers.summed(name, package, "true", [case], [outcome])
            assert outcome.restored.shape == case.pair.blurry.shape
            assert row["gain_db"] > (0.5 if needs_kernel else -1), name


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch, capsys):
    monkeypatch.syspath_prepend(FOLDER)
    peers = script("peers")
    monkeypatch.setattr(peers, "PEERS", {"nobody's": ("no-such-package", False, None)})
    assert list(peers.others([])) == []
    assert "left out" in capsys.readouterr().out
