"""Is every picture of a folder found once, in the same order, whatever links, brackets and locked folders there are?"""

from pathlib import Path

import pytest

from blurspace.errors import NoInputError
from blurspace.io.folders import find_below


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Six pictures in four folders, and what is none."""
    names = "b.png a.JPG notes.txt .hidden.png sub/c.tif sub/deep/d.webp .git/e.png [x]/f.png other/g.png"
    for name in names.split():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return Path("in")


ALL = ["[x]/f.png", "a.JPG", "b.png", "other/g.png", "sub/c.tif", "sub/deep/d.webp"]


def names(given, **options):
    return [str(one.path.relative_to("in")) for one in find_below(given, **options)]


def test_a_folder_is_read_with_its_subfolders(tree):
    assert names(tree) == ALL
    assert {one.root for one in find_below(tree)} == {tree}
    assert find_below(tree / "a.JPG")[0].root is None


@pytest.mark.parametrize(
    ("pattern", "wanted", "root"),
    [
        ("in/*.png", ["b.png"], "in"),
        ("in/*/*.png", ["[x]/f.png", "other/g.png"], "in"),
        ("in/**/*.png", ["[x]/f.png", "b.png", "other/g.png"], "in"),
        ("in/**", ALL, "in"),
        ("in/s*", ["sub/c.tif", "sub/deep/d.webp"], "in"),  # a folder that matches is read like any other
        ("in/[x]/*", ["[x]/f.png"], "in/[x]"),  # it exists, so it is no pattern
        ("in/[x]", ["[x]/f.png"], "in/[x]"),
        ("in/[so]*/?.*", ["other/g.png", "sub/c.tif"], "in"),
        ("*/*.JPG", ["a.JPG"], "."),
    ],
)
def test_a_pattern_finds_what_a_shell_would(tree, pattern, wanted, root):
    assert names(pattern) == wanted
    assert {str(one.root) for one in find_below(pattern)} == {root}


@pytest.mark.parametrize("nothing", ["in/*.gif", "in/sub/none", "in/**/*.bmp", "in/.git"])
def test_nothing_is_one_sentence(tree, nothing):
    (tree / ".git" / "e.png").unlink()
    with pytest.raises(NoInputError, match=r"no picture was found|does not exist"):
        find_below(nothing)


def test_the_folder_of_results_is_left_out_unless_it_is_named(tree):
    for given in (tree, "in/**/*", "in/*"):
        assert names(given, without=Path("in/sub")) == ALL[:4]
    assert names("in/sub", without=Path("in/sub")) == ALL[4:]
    assert names("in", without=Path("in")) == ALL


def test_links_are_followed_once_and_loops_end(tree, tmp_path):
    (tree / "a-link").symlink_to(tmp_path / "in" / "sub")  # sorted first, and still the real place is told
    (tree / "sub" / "up").symlink_to(tmp_path / "in")
    (tree / "sub" / "deep" / "here").symlink_to(".")
    (tree / "self").symlink_to("self")
    (tree / "gone.png").symlink_to("nowhere")  # reading it will say so
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "h.png").touch()
    (tree / "z-link").symlink_to(tmp_path / "far")
    (tree / "again").symlink_to(tmp_path / "far")
    assert names(tree) == names("in/**/*") == sorted([*ALL, "again/h.png", "gone.png"], key=Path)


def test_a_folder_that_cannot_be_opened_is_told_and_the_others_are_read(tree, monkeypatch):
    iterdir = Path.iterdir

    def locked(self):
        if self.name == "sub":
            raise PermissionError(13, "Permission denied")
        return iterdir(self)

    monkeypatch.setattr(Path, "iterdir", locked)  # root may look anywhere
    found = find_below(tree)
    assert [one.path.name for one in found if one.problem is None] == ["f.png", "a.JPG", "b.png", "g.png"]
    (problem,) = (one.problem for one in found if one.problem)
    assert problem == "the folder in/sub cannot be opened (Permission denied): make it readable or leave it out"
