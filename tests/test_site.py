"""Does the site's own code hold what it promises: links that are moved, requests that are found, examples that are run?

The site itself is built by `make docs`, which runs all examples; here stand small ones.
"""

import ast
import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
SITE = ROOT / "docs" / "site"
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def module(name, folder=SITE):
    spec = importlib.util.spec_from_file_location(f"site_{name}", folder / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


check, examples, make, plots = module("check"), module("examples"), module("stage"), module("make_plots", ROOT / "docs")


def page(folder, body, name="index.html"):
    (folder / name).write_text(f"<!doctype html><html><body>{body}</body></html>", encoding="utf-8")


@pytest.mark.parametrize(
    "body",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        '<img src="http://example.org/x.png">',
        '<img srcset="x.png 1x, https://example.org/x.png 2x">',
        '<form action="https://example.org/"></form>',
        '<style>@import "https://example.org/x.css";</style>',
        '<p style="background:url(https://example.org/x.png)">',
        '<script>fetch("https://example.org/")</script>',
    ],
)
def test_a_request_to_another_host_is_found(body, tmp_path):
    (tmp_path / "x.png").write_bytes(b"")
    page(tmp_path, body)
    assert len(check.faults(tmp_path)) == 1


def test_a_request_in_a_style_or_script_is_found(tmp_path):
    (tmp_path / "x.css").write_text("@font-face{src:url('https://example.org/x.woff2')}", encoding="utf-8")
    (tmp_path / "x.js").write_text('import("https://example.org/x.js")', encoding="utf-8")
    assert len(check.faults(tmp_path)) == 2


def test_what_is_here_is_no_fault(tmp_path):
    (tmp_path / "x.css").write_text("p{background:url(data:image/png;base64,AA)}", encoding="utf-8")
    page(tmp_path, '<h1 id="top"></h1><a href="#top">up</a>', "other.html")
    links = '<a href="https://example.org/">waits for its reader</a><a href="other.html#top">here</a>'
    page(tmp_path, f'<link rel="stylesheet" href="x.css">{links}')
    assert check.faults(tmp_path) == []


def test_a_list_of_pictures_may_end_in_spaces(tmp_path):
    (tmp_path / "x.png").write_bytes(b"")
    page(tmp_path, '<img srcset="x.png 1x,  ">')
    assert check.faults(tmp_path) == []


@pytest.mark.parametrize("link", ["gone.html", "#gone", "other.html#gone", "other.html/"])
def test_a_link_that_leads_nowhere_is_found(link, tmp_path):
    page(tmp_path, "", "other.html")
    page(tmp_path, f'<a href="{link}">nowhere</a>')
    assert [fault for fault in check.faults(tmp_path) if "leads nowhere" in fault]


def test_an_example_becomes_a_page(tmp_path):
    text = (
        "# %% [markdown]\n# # A title\n#\n# Words.\n\n# %%\nfrom PIL import Image\n\nprint(1 + 1)\n\n"
        '# %%\nImage.new("RGB", (2, 2))\n\n# %%\n3\n'
    )
    (tmp_path / "one.py").write_text(text, encoding="utf-8")
    made = examples.as_page(tmp_path / "one.py", tmp_path / "pictures")
    assert made.startswith(
        "# A title\n\nWords.\n\n```python\nfrom PIL import Image\n\nprint(1 + 1)\n```\n\n```text\n2\n```"
    )
    (picture,) = (tmp_path / "pictures").iterdir()
    assert f"(pictures/{picture.name})" in made
    assert made.endswith("```python\n3\n```\n")


def test_an_example_that_fails_is_no_page(tmp_path):
    (tmp_path / "one.py").write_text("# %%\nprint(gone)\n", encoding="utf-8")
    with pytest.raises(NameError, match="gone"):
        examples.as_page(tmp_path / "one.py", tmp_path / "pictures")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_begin_with_a_title_and_hold_no_code_outside_of_cells(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# %% [markdown]\n# # ")
    cells = examples.cells(text)
    assert ast.dump(ast.parse("\n".join(body for words, body in cells if not words))) == ast.dump(ast.parse(text))


def test_there_are_five_examples_and_the_front_page_links_them():
    front = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert len(EXAMPLES) == 5
    assert all(f"(../examples/{path.name})" in front for path in EXAMPLES)


def test_an_example_runs(tmp_path):
    """The quickest; `make docs` runs all."""
    made = examples.as_page(ROOT / "examples" / "kernel_by_hand.py", tmp_path)
    assert "the hook: restored" in made
    assert made.count("![") == len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("name", plots.MADE)
def test_plots_are_fresh(name):
    """When this fails, run `python docs/make_plots.py`."""
    assert (ROOT / "docs" / "plots" / f"{name}.svg").read_text(encoding="utf-8") == plots.MADE[name]()


def test_bars_are_as_long_as_their_numbers():
    made = plots.bars("T", ["one", "<two>"], {"a & b": [(2.0, "+2.0"), (-1.0, "-1.0")]})
    tree = ElementTree.fromstring(made)  # well-formed, so whatever a name holds was escaped
    (long, loss) = (float(one.get("width")) for one in tree.iter("{http://www.w3.org/2000/svg}rect"))
    assert long == pytest.approx(2 * loss, abs=0.1)
    assert {"a & b", "<two>"} <= {one.text for one in tree.iter("{http://www.w3.org/2000/svg}text")}


def test_lines_are_straight_where_time_is_a_power_of_size():
    made = plots.lines("T", {"one": [(1.0, 10.0), (10.0, 20.0), (100.0, 40.0)], "two": [(1.0, 10.0), (100.0, 1000.0)]})
    found = [one.get("points") for one in ElementTree.fromstring(made).iter("{http://www.w3.org/2000/svg}polyline")]
    slope, _, one, _, two = ([tuple(map(float, point.split(","))) for point in points.split()] for points in found)
    (left, low), (across, up), (right, high) = one
    assert (across, up) == pytest.approx(((left + right) / 2, (low + high) / 2), abs=0.1)
    assert slope[1] == one[2]
    assert (slope[0][1] - slope[1][1]) / (slope[1][0] - slope[0][0]) == pytest.approx(
        (two[0][1] - two[1][1]) / (two[1][0] - two[0][0]), abs=0.02
    )


def test_every_plot_is_on_a_page():
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    assert all(f"(plots/{path.name})" in pages for path in (ROOT / "docs" / "plots").iterdir())


@pytest.mark.parametrize(
    ("page", "given", "wanted"),
    [
        ("docs/verbs/adapt.md", "[x](../results.md#a)", "[x](../results.md#a)"),
        ("docs/method.md", "[x](../ARCHITECTURE.md)", "[x](project/ARCHITECTURE.md)"),
        ("ARCHITECTURE.md", "[x](docs/tree.md)", "[x](../tree.md)"),
        ("docs/index.md", "[x](../examples/photo.py)", "[x](examples/photo.md)"),
        ("examples/search.py", "[x](../docs/search.md)", "[x](../search-of-minutes.md)"),
        ("docs/index.md", "[x](https://example.org/a) [y](#here)", "[x](https://example.org/a) [y](#here)"),
        ("docs/index.md", "```\n[x](../gone.md)\n```", "```\n[x](../gone.md)\n```"),
    ],
)
def test_links_are_moved_with_their_pages(page, given, wanted):
    assert make.moved(given, Path(page)) == wanted


def test_what_is_linked_and_no_page_is_to_be_downloaded():
    text = "[a](../demo/x.png) [b](method.md) [c](pictures/0.png) [d](https://example.org)\n```\n[e](gone.txt)\n```\n"
    assert make.downloads(text, Path("docs/index.md")) == {Path("demo/x.png")}
    assert make.moved("[a](../gone.png)", Path("docs/index.md")) == "[a](project/gone.png)"


def test_the_front_page_is_the_navigation():
    made = make.navigation("# Title\n\n## Begin\n\n- [a](a.md), [b](b.md#c)\n\n## Words\n\nnone\n")
    assert ":caption: Begin\n\na.md\n" in made
    assert ":caption: Words" not in made
