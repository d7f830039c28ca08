"""Does every recipe load, and is a wrong one refused by name?"""

from pathlib import Path

import pytest

from blurspace.errors import UsageError
from blurspace.train.recipes import TASKS, read_recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))
ANALYSIS = Path(__file__).parents[2] / "recipes" / "kaufman2020-analysis.toml"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_loads(path):
    assert read_recipe(path).task in TASKS


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_number_carries_its_source(path):
    """A comment on the line, or in the lines above it since the table began."""
    explained = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            explained = False
        explained = explained or "#" in line
        assert explained or not any(letter.isdigit() for letter in line), line


def test_every_task_has_a_recipe():
    assert {read_recipe(path).task for path in RECIPES} == TASKS.keys()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("steps =", "stepps =", r"loop\.stepps is not a setting: did you mean steps\?"),
        ("[loop]", "[lop]", r"lop is not a setting: did you mean loop\?"),
        ("batch = 4", "batch = 'many'", r"data\.batch is 'many' \(.*\): correct it"),
        ("batch = 4", "batch = 0", r"data\.batch is 0"),
        ("batch = 4", "", r"data\.batch is missing: add it"),
        ('task = "analysis"', 'task = "analisys"', r"names the task 'analisys': did you mean analysis\?"),
        ('task = "analysis"', "", r"names no task: give one of analysis, "),
        ("[loop]", "[loop", r"is not TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(tmp_path, old, new, words):
    text = ANALYSIS.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "wrong.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError, match=words) as caught:
        read_recipe(tmp_path / "wrong.toml")
    assert "\n" not in str(caught.value)


def test_missing_recipe(tmp_path):
    with pytest.raises(UsageError, match=r"does not exist: .* in recipes/"):
        read_recipe(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_recipe(tmp_path)


def test_overrides():
    changed = read_recipe(
        ANALYSIS, overrides=["steps=12", "adam.learning_rate = 3e-4", "camera=rich", "extents=[3, 31]", "clip=1.0"]
    )
    assert changed.loop.steps == 12
    assert changed.adam.learning_rate == 3e-4
    assert changed.adam.clip == 1.0
    assert changed.data.camera == "rich"
    assert changed.data.extents == (3, 31)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("stepps=1", r"stepps is not a setting of this recipe: did you mean steps\?"),
        ("loop.step=1", r"did you mean loop\.steps\?"),
        ("steps", r"'steps' sets nothing: give KEY=VALUE"),
        ("steps=many", r"loop\.steps is 'many'"),
    ],
)
def test_wrong_overrides(override, words):
    with pytest.raises(UsageError, match=words):
        read_recipe(ANALYSIS, overrides=[override])


def test_an_ambiguous_override_and_sides_that_differ():
    pair = ANALYSIS.with_name("kaufman2020-pair.toml")
    with pytest.raises(UsageError, match=r"several tables: give one of analysis\.width, synthesis\.width"):
        read_recipe(pair, overrides=["width=31"])
    with pytest.raises(UsageError, match=r"analysis\.side and synthesis\.side are 31 and 85 px: give the same to both"):
        read_recipe(pair, overrides=["analysis.side=31"])
