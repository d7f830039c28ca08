"""Which files do the numbers of a command depend on? All that its code imports, as far as the method in it needs them.

The doors (`DOORS`) import every method; so they are not entered, and of `catalog` and `restore.methods` only the
functions that build the method asked for are followed.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import blurspace
from blurspace import catalog
from blurspace.bench.methods import TOLD
from blurspace.bench.protocols import PROTOCOLS
from blurspace.builders import NETWORKS
from blurspace.catalog import AUTO, CARDS, current_name

HERE = Path(__file__).parent
SOURCE = Path(blurspace.__file__).parent
CATALOG, METHODS = SOURCE / "catalog.py", SOURCE / "restore" / "methods.py"
DOORS = {CATALOG, METHODS, *(SOURCE / name for name in ("api.py", "builders.py", "bench/protocols.py"))}
DATA = (".toml", ".npz", ".txt")  # files that code reads lie beside it, or in the package
# Every method is found, driven and judged here.
DRIVEN = SOURCE / "restore" / "deblurrer.py"


def depends_on(words: list[str]) -> list[Path]:
    """The files, sorted, that the numbers of a command depend on; scripts are taken to deblur by `auto`."""
    if words[:2] == ["blurspace", "train"]:
        rooms = [file for room in ("train", "data") for file in (SOURCE / room).glob("*.py")]
        return sorted({*closure(rooms), *_named(words)})
    if words[:2] != ["blurspace", "bench"]:
        return sorted({*closure([*_named(words), *of_method(AUTO)]), *weights(AUTO)})
    protocol = PROTOCOLS[words[2]]
    method = current_name(words[words.index("--method") + 1] if "--method" in words else protocol.default)
    method = TOLD.get(method.replace("-", " "), method)
    return sorted({*closure([SOURCE / "bench" / f"{protocol.file}.py", *of_method(method)]), *weights(method)})


def of_method(method: str) -> list[Path]:
    """Where its code begins: what builds it, its networks, and the driver; nothing where that name is no card."""
    card = CARDS.get(method)
    if card is None:
        return []
    partners = [one for one in CARDS.values() if one is card or {*one.weights} & {*card.weights}]
    kinds = [kind for one in partners for kind in one.networks if kind in NETWORKS]  # none is of another project
    begun = [*_built(CATALOG, method), *(SOURCE / "nets" / f"{NETWORKS[kind][0]}.py" for kind in kinds)]
    return [DRIVEN, *begun] if card.task == "deblur" else begun


def weights(method: str) -> list[Path]:
    """The weights files of a card."""
    return [SOURCE / "weights" / name for name in (CARDS[method].weights if method in CARDS else ())]


def closure(begun: list[Path]) -> set[Path]:
    """These files, all of the package that they import, and the data files that these name."""
    found, left = set[Path](), list(begun)
    while left:
        file = left.pop()
        if file in found or file in DOORS:
            continue
        found.add(file)
        left += _links(file)
    return found


@cache
def _links(file: Path) -> tuple[Path, ...]:
    """What a file imports, and the data files that it names."""
    return (*_imported(_tree(file)).values(), *_data(file)) if file.suffix == ".py" else ()


def _named(words: list[str]) -> list[Path]:
    return [HERE.parent / word for word in words if word.endswith((".py", ".toml")) and (HERE.parent / word).is_file()]


def _built(file: Path, name: str) -> Iterator[Path]:
    """What is imported for a name in the catalogue, or by a function of the methods; those that it calls included."""
    tree = _tree(file)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    imported = _imported(ast.Module([node for node in tree.body if not isinstance(node, ast.FunctionDef)], []))
    left, done = list[ast.AST]([functions[name]] if file == METHODS else _entries(tree, name)), set[str]()
    while left:
        node = left.pop()
        yield from _imported(node).values()
        for word in {*_words(node)} - done:
            done.add(word)
            if word in functions:
                left.append(functions[word])
            elif word in imported:
                yield imported[word]
            elif file == CATALOG and word in _functions(METHODS):
                yield from _built(METHODS, word)


def _entries(tree: ast.Module, name: str) -> list[ast.AST]:
    """What stands for a name in the dictionary BUILDS."""
    tables = [node.value for node in tree.body if isinstance(node, ast.AnnAssign) and _words(node.target) == ["BUILDS"]]
    assert isinstance(tables[0], ast.Dict)
    pairs = zip(tables[0].keys, tables[0].values, strict=True)
    return [value for key, value in pairs if key and (getattr(key, "value", None) or getattr(catalog, key.id)) == name]


@cache
def _functions(file: Path) -> set[str]:
    return {node.name for node in _tree(file).body if isinstance(node, ast.FunctionDef)}


def _words(node: ast.AST) -> list[str]:
    """All names and attributes in a piece of code."""
    names = (getattr(one, "id", getattr(one, "attr", None)) for one in ast.walk(node))
    return [name for name in names if isinstance(name, str)]


def _imported(node: ast.AST) -> dict[str, Path]:
    """What a piece of code imports from the package, or from beside it in benchmarks: name -> file."""
    found = {}
    for one in ast.walk(node):
        if isinstance(one, ast.ImportFrom):
            for alias in one.names:
                path = _file(f"{one.module}.{alias.name}") or _file(str(one.module))
                if path:
                    found[alias.asname or alias.name] = path
    return found


@cache
def _file(module: str) -> Path | None:
    """The file of a module."""
    first, *rest = module.split(".")
    place = SOURCE.joinpath(*rest) if first == "blurspace" else HERE.joinpath(first, *rest)
    found = (path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file())
    return next(found, None)


def _data(file: Path) -> Iterator[Path]:
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(DATA):
            yield from (path for path in (file.parent / node.value, SOURCE / node.value) if path.is_file())


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_bytes())
