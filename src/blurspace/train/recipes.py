"""What is in a recipe, which tasks are there, and what is wrong with this recipe?

A recipe is a TOML file: `task = NAME` and the tables of that task's model. To add a task, add a row to TASKS.
"""

import difflib
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from blurspace.errors import UsageError
from blurspace.io.files import shown
from blurspace.train import (
    adapt,
    code_prior,
    deconvolver,
    denoiser,
    features,
    kernel_space,
    pair,
    printer,
    supervised,
    unpaired,
)
from blurspace.train.loop import Task


@dataclass(frozen=True)
class Entry:
    """A row: the model of its recipe, and what makes the task: `build(recipe, *, data, device, report)`.

    `prepare(recipe, *, data, report)`, if there is one, makes the files that `build` needs and takes long to make;
    processes that do so at once share the work.
    """

    recipe: type[BaseModel]
    build: Callable[..., Task]
    prepare: Callable[..., object] | None = None


TASKS: dict[str, Entry] = {
    "analysis": Entry(pair.AnalysisRecipe, pair.build_analysis),
    "synthesis": Entry(pair.SynthesisRecipe, pair.build_synthesis),
    "pair": Entry(pair.PairRecipe, pair.build_pair),
    "classifier": Entry(pair.ClassifierRecipe, pair.build_classifier),
    "deconvolver": Entry(deconvolver.DeconvolverRecipe, deconvolver.build_deconvolver, deconvolver.make_cases),
    "denoiser": Entry(denoiser.DenoiserRecipe, denoiser.build_denoiser),
    "kernel space": Entry(kernel_space.KernelSpaceRecipe, kernel_space.build_kernel_space),
    "encoder space": Entry(kernel_space.EncoderSpaceRecipe, kernel_space.build_encoder_space),
    "code prior": Entry(code_prior.CodePriorRecipe, code_prior.build_code_prior),
    "deblurrer": Entry(supervised.SupervisedRecipe, supervised.build_supervised),
    "translator": Entry(adapt.TranslatorRecipe, adapt.build_translator),
    "cyclegan": Entry(unpaired.UnpairedRecipe, unpaired.build_unpaired),
    "dualgan": Entry(unpaired.UnpairedRecipe, unpaired.build_unpaired),
    "features": Entry(features.FeaturesRecipe, features.build_features),
    "printer": Entry(printer.PrinterRecipe, printer.build_printer),
}


def read_recipe(path: str | Path, *, overrides: Sequence[str] = ()) -> Any:
    """The recipe in a TOML file, as the model of its task; each override "table.key=value" replaces one field.

    A key that is in one table only needs no table: "steps=100". A value is TOML, or else a plain string. Raises
    UsageError on a file that cannot be read, and on every key or value that is wrong, naming the nearest right one.
    """
    name = shown(path)
    table = _parsed(name, path)
    entry = TASKS.get(str(table.get("task")))
    if entry is None:
        given = f"the task {table['task']!r}" if "task" in table else "no task"
        raise UsageError(f"{name} names {given}: {_nearest(str(table.get('task')), TASKS)}")
    for override in overrides:
        _override(table, override, entry.recipe)
    try:
        return entry.recipe.model_validate(table)
    except ValidationError as problem:
        raise UsageError(f"{name}: {_sentence(problem, entry.recipe)}") from None


def _parsed(name: str, path: str | Path) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{name} does not exist: give the path of a recipe; blurspace's are in its folder, in recipes/"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise UsageError(f"{name} is not TOML ({problem}): correct it") from problem
    except (OSError, ValueError) as problem:  # ValueError: a null byte in the path
        raise UsageError(f"{name} cannot be read ({problem}): give the path of a recipe") from problem


def _override(table: dict[str, Any], override: str, recipe: type[BaseModel]) -> None:
    key, equals, text = (part.strip() for part in override.partition("="))
    if not equals:
        raise UsageError(f"{override!r} sets nothing: give KEY=VALUE, as in loop.steps=1000")
    paths = list(_paths(recipe))
    found = [path for path in paths if key in (path, path.rpartition(".")[2])]
    if not found:
        names = [*paths, *(path.rpartition(".")[2] for path in paths)]
        raise UsageError(f"{key} is not a setting of this recipe: {_nearest(key, names)}")
    if len(found) > 1:
        raise UsageError(f"{key} is a setting of several tables: give one of {', '.join(found)}")
    *tables, last = found[0].split(".")
    for one in tables:
        table = table.setdefault(one, {})
    try:
        table[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        table[last] = text


def _paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every setting as "table.key"."""
    for name, field in model.model_fields.items():
        annotation: Any = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _paths(annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def _sentence(problem: ValidationError, recipe: type[BaseModel]) -> str:
    # A misspelt key is also a missing one, and the misspelling is the better hint.
    first = min(problem.errors(include_url=False), key=lambda error: error["type"] != "extra_forbidden")
    if not first["loc"]:  # what is wrong is how several fields fit together, and the model says it
        return first["msg"].removeprefix("Value error, ")
    *tables, last = [str(part) for part in first["loc"]]
    where = ".".join((*tables, last))
    if first["type"] == "extra_forbidden":
        model = recipe
        for name in tables:
            model = model.model_fields[name].annotation  # type: ignore[assignment]
        return f"{where} is not a setting: {_nearest(last, model.model_fields)}"
    if first["type"] == "missing":
        return f"{where} is missing: add it"
    return f"{where} is {first['input']!r} ({first['msg']}): correct it"


def _nearest(name: str, names: Any) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]}?" if near else f"give one of {', '.join(dict.fromkeys(names))}"
