"""Do the pages show what the committed rows say, and does every file say how it was made?"""

import csv
import importlib
import json
from pathlib import Path

import pytest

from blurspace.bench import runner
from blurspace.bench.tables import BLOCK, load, regenerate
from blurspace.errors import PictureError, UsageError

ROOT = Path(__file__).parent.parent.parent
ROWS = ROOT / "benchmarks"
PAGE = "Before\n<!-- bench:levin -->\nold\n<!-- /bench -->\nbetween\n<!-- bench:synthetic -->\n<!-- /bench -->\nafter\n"


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_show_the_committed_rows(path):
    """When this fails, run `python benchmarks/make_tables.py`."""
    page = path.read_text(encoding="utf-8")
    assert page == regenerate(page, ROWS)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_first_table_and_empty_ones_are_fresh(path, glance):
    """When this fails, run `python benchmarks/make_tables.py`."""
    page = path.read_text(encoding="utf-8")
    assert page == glance.with_glance(page)


def test_a_table_without_rows_says_so(glance):
    empty = "<!-- bench:levin -->\n<!-- /bench -->\n\nafter\n"
    told = glance.with_glance(empty)
    assert told == empty.replace("\n\n", "\n*Not measured with today's code.*\n\n")
    assert glance.with_glance(told) == told
    full = told.replace("<!-- /bench", "| rows |\n<!-- /bench")
    assert glance.with_glance(full) == empty.replace("<!-- /bench", "| rows |\n<!-- /bench")


@pytest.fixture
def glance(monkeypatch):
    monkeypatch.syspath_prepend(ROWS)
    return importlib.import_module("glance")


def test_every_protocol_with_rows_is_on_one_page():
    blocks = [found for path in PAGES for found in BLOCK.finditer(path.read_text(encoding="utf-8"))]
    assert len({(found[2], found[3]) for found in blocks}) == len(blocks)
    shown = [found[2] for found in blocks]
    for path in ROWS.glob("*.csv"):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        summary = json.loads(first[2:]) if first.startswith("# {") else {}
        if "protocol" in summary:
            assert summary["name"] in shown or path.name.startswith(tuple(shown)), path.name


def test_every_file_says_how_it_was_made():
    with (ROWS / "index.csv").open(encoding="utf-8", newline="") as lines:
        rows = {row["file"]: row for row in csv.DictReader(lines)}
    assert set(rows) == {path.name for path in ROWS.glob("*.csv")} - {"index.csv"}
    for row in rows.values():
        assert list(row) == ["file", "command", "data", "seed", "device", "date", "note", "digest", "checked"]
        assert all(value for name, value in row.items() if name != "checked"), row  # a file of today's code needs none


@pytest.fixture
def folder(tmp_path, levin_file, photos, fake):
    for method in ("true-kernel", "classical", "blurry"):
        for name, data in (("levin", levin_file), ("synthetic", photos)):
            text = runner.run(name, data=data, method=method).csv()
            (tmp_path / f"{name}-{method}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def test_tables(folder):
    page = regenerate(PAGE, folder)
    lines = page.splitlines()
    assert [line.split(" | ")[0] for line in lines[4:7]] == [
        "| blurry input",
        "| classical",
        "| classical, true kernel",
    ]
    assert "old" not in page
    assert "| photos | kernel, px | noise | n | blurry input | classical | classical, true kernel |" in page
    assert "| photos | all | all | 3 |" in page
    assert regenerate(page, folder) == page
    assert page.startswith("Before\n<!-- bench:levin -->\n| method |")
    assert page.endswith("|\n<!-- /bench -->\nafter\n")


def test_no_rows_no_table(tmp_path):
    assert regenerate(PAGE, tmp_path) == PAGE.replace("old\n", "")


def test_numbers_cannot_be_typed_in(folder):
    path = folder / "levin-classical.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = lines[2].split(",")
    cells[2] = "40.0"
    path.write_text("\n".join([*lines[:2], ",".join(cells), *lines[3:]]) + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="run its benchmark again"):
        load(folder, "levin")
    path.write_text("picture,psnr\n1,40\n", encoding="utf-8")
    with pytest.raises(PictureError, match="no summary"):
        load(folder, "levin")


def test_unknown_block(tmp_path):
    with pytest.raises(UsageError, match="bench:paint"):
        regenerate("<!-- bench:paint -->\n<!-- /bench -->\n", tmp_path)
    with pytest.raises(UsageError, match=r"bench:levin\.colours"):
        regenerate("<!-- bench:levin.colours -->\n<!-- /bench -->\n", ROWS)
