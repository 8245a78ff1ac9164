"""Where the names of a module come from: its definitions and imports, read from its source."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import NamedTuple, TypeAlias

from tool_gym.errors import ExportError

Definition: TypeAlias = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


class Place(NamedTuple):
    """Where something is defined."""

    module: str
    name: str
    """Empty for the module itself."""

    @property
    def is_ours(self) -> bool:
        """Whether it is tool-gym's."""
        return self.module.partition(".")[0] == "tool_gym"


class Source(NamedTuple):
    """What a module defines and imports, by name."""

    definitions: dict[str, Definition]
    imports: dict[str, Place]

    def find(self, module: str, name: str) -> Place:
        """Return where `module` has a global name from.

        Raises:
            ExportError: If it is neither defined nor imported there.
        """
        if name in self.definitions:
            return Place(module, name)
        if name not in self.imports:
            msg = f"{module} uses {name!r}, which is neither defined nor imported at its top level"
            raise ExportError(msg)
        return self.imports[name]


@cache
def source_of(module: str) -> Source:
    """Read a module of tool-gym."""
    source = Source({}, {})
    for node in ast.parse(inspect.getsource(importlib.import_module(module))).body:
        _take_in(source, node)
    return source


def check_needs(user: Place, needs: Iterable[Place]) -> None:
    """Check that a definition needs nothing but tool-gym and the standard library.

    Raises:
        ExportError: If it does.
    """
    for need in needs:
        if not need.is_ours and not is_standard(need):
            msg = f"{user.name} of {user.module} needs {need.module}, which an export cannot take along"
            raise ExportError(msg)


def is_standard(place: Place) -> bool:
    """Return whether something is of the standard library."""
    return place.module.partition(".")[0] in sys.stdlib_module_names


def import_of(place: Place, alias: str) -> ast.stmt:
    """Return the statement that imports something of the standard library under a name."""
    name = place.name or place.module
    as_name = alias if alias != name else None
    if place.name:
        return ast.ImportFrom(place.module, [ast.alias(place.name, as_name)], 0)
    return ast.Import([ast.alias(place.module, as_name)])


def _take_in(source: Source, node: ast.stmt) -> None:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        source.definitions[node.name] = node
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        source.definitions[node.target.id] = node
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            _assign(source, target, node.value)
    elif isinstance(node, ast.Import):
        source.imports.update({alias.asname or alias.name: Place(alias.name, "") for alias in node.names})
    elif isinstance(node, ast.ImportFrom) and node.module is not None:
        source.imports.update({alias.asname or alias.name: _imported(node.module, alias.name) for alias in node.names})


def _assign(source: Source, target: ast.expr, value: ast.expr) -> None:
    if isinstance(target, ast.Name):
        source.definitions[target.id] = ast.Assign([target], value, lineno=0)
    elif isinstance(target, ast.Tuple):
        for number, part in enumerate(target.elts):
            items = ast.Call(ast.Name("tuple", ast.Load()), [value], [])
            _assign(source, part, ast.Subscript(items, ast.Constant(number), ast.Load()))


def _imported(module: str, name: str) -> Place:
    """Return what `from module import name` gives: a module of that name, or something in it."""
    if module == "__future__" or module.partition(".")[0] != "tool_gym":
        return Place(module, name)
    inside = getattr(importlib.import_module(module), name, None)
    return Place(inside.__name__, "") if isinstance(inside, ModuleType) else Place(module, name)
