"""How do the networks of a model become ONNX files, each checked against torch?"""

from collections.abc import Iterator
from pathlib import Path

from torch import nn

from blurspace import __version__
from blurspace.builders import WeightsFile, read_file, shipped
from blurspace.catalog import CARDS, current_name, find_card
from blurspace.errors import ModelError, OutputError, UsageError
from blurspace.io.files import is_file, shown, write_bytes
from blurspace.jobs.files import check_target
from blurspace.runtimes.engines import ENGINES, TORCH, installed, versioned
from blurspace.runtimes.exported import NEEDED, TOLERANCE, check, export
from blurspace.runtimes.parts import Part, parts_of


def export_networks(name: str, *, folder: Path, overwrite: bool = False) -> Iterator[dict[str, object]]:
    """Write an ONNX file into `folder` for each part of a model's networks, and yield its record; see `runtimes.parts`.

    `name`: of a model, or a weights file. All runtimes that are here say of random pictures what torch says, but for
    `TOLERANCE`, or nothing is written. Raises ModelError on unknown names, on a runtime that says something else and
    where none is here, UsageError where a model has no such part, OutputError where a file cannot be written.
    """
    if not installed()[1:]:
        raise ModelError(NEEDED)
    file, found = _file(name), list[tuple[str, nn.Module, Part]]()
    for network in file.networks:
        for path, module, part in parts_of(file.network(network)):
            found.append((f"{network}.{path}" if path else network, module, part))
    if not found:
        given = f"nothing of {file.name} can be exported, for it has no network of convolutions"
        raise UsageError(f"{given}: give a model that has, such as learned")
    _make(folder)
    targets = [folder / f"{file.name}.{path}.onnx".replace(" ", "-") for path, *_ in found]
    for target in targets:
        check_target(target, [], overwrite=overwrite)
    for target, (path, module, part) in zip(targets, found, strict=True):
        told = {"blurspace": __version__, "model": file.name, "network": path, "licence": _licence(file.name)}
        data = export(module, part, told=told)
        checked = {one: check(module, part, ENGINES[one][1](data, 1)) for one in installed() if one != TORCH}
        write_bytes(target, data, overwrite=overwrite)
        yield {
            "output": str(target),
            "network": path,
            "inputs": part.inputs(module),
            "multiple": part.multiple(module),
            "bytes": len(data),
            "max_error": max(checked.values()),
            "tolerance": TOLERANCE,
            "checked_with": [versioned(one) for one in checked],
        }


def _file(name: str) -> WeightsFile:
    """The own weights of a model, or a user's file."""
    if name not in CARDS and is_file(name):
        return read_file(name)
    card = find_card(name)
    if not card.weights:
        raise UsageError(f"{card.name} has no networks: give a model that has, such as learned")
    own = shipped(card.name)[0]
    return WeightsFile(own.label, current_name(name), own.about, own.tensors)


def _licence(name: str) -> str:
    return CARDS[name].licence if name in CARDS else "that of who trained it"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        reason = problem.strerror or problem
        raise OutputError(f"{shown(folder)} cannot be made ({reason}): give another folder") from problem
