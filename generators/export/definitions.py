"""Single definitions: what each needs, mentions, and how it is printed under other names.

All of it is remembered: what exports take along is a few hundred definitions, printed again and again.
"""

from __future__ import annotations

import ast
import importlib
import pickle
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from pydantic import BaseModel

from tool_gym.errors import ExportError
from tool_gym.generators.export.plain import Data
from tool_gym.generators.export.scopes import attributes, defaults, global_names
from tool_gym.generators.export.sources import Place, source_of

DATA = Place(Data.__module__, Data.__name__)
"""The base of plain data."""

HEAD = ""
"""The part of a class that is no method, and the only part of a function or constant."""

_DROPPED = frozenset({"cached_property", "field_validator", "model_validator", "field_serializer", "model_serializer"})


class Part(NamedTuple):
    """A function, a constant, a method, or what of a class is no method."""

    needs: tuple[Place, ...]
    """What it refers to."""
    at_once: tuple[Place, ...]
    """What of that must be there when it is defined."""
    mentions: frozenset[str]
    """The attributes it reads."""


class Definition(NamedTuple):
    """Something defined at the top level of a module."""

    parts: dict[str, Part]
    is_constant: bool
    record: type[BaseModel] | None
    """The class, if it is one of the data model."""


@cache
def definition(place: Place) -> Definition:
    """Return what a definition is made of.

    Raises:
        ExportError: If there is none.
    """
    node = _bare(place)
    if not isinstance(node, ast.ClassDef):
        now = _places(place, [node]) if isinstance(node, ast.Assign) else _at_once(place, node)
        return Definition(
            {HEAD: Part(_places(place, [node]), now, _mentions([node]))}, isinstance(node, ast.Assign), None
        )
    kind = getattr(importlib.import_module(place.module), place.name)
    record = kind if issubclass(kind, BaseModel) else None
    methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
    parts = {name: Part(_places(place, [m]), _at_once(place, m), _mentions([m])) for name, m in methods.items()}
    rest = [part for part in node.body if not isinstance(part, ast.FunctionDef)]
    head = _places(place, [*node.bases, *node.decorator_list, *rest])
    if record is not None:
        base = (_base_of(record),)
        parts[HEAD] = Part(base, base, frozenset())
    else:
        parts[HEAD] = Part(head, head, _mentions(rest))
    return Definition(parts, is_constant=False, record=record)


@cache
def printed(
    place: Place, name: str, kept: frozenset[str], names: tuple[tuple[Place, str], ...], *, documented: bool
) -> str:
    """Return a definition's source.

    Args:
        place: Which.
        name: What it is called.
        kept: The methods, and the fields of a record, that stay.
        names: What that which it needs is called.
        documented: Whether docstrings stay.
    """
    node: ast.stmt = pickle.loads(pickle.dumps(_bare(place)))  # noqa: S301 - a copy of our own
    if isinstance(node, ast.ClassDef):
        node.body = [part for part in node.body if not isinstance(part, ast.FunctionDef) or part.name in kept]
        record = definition(place).record
        if record is not None:
            _make_plain(node, record, kept, dict(names)[_base_of(record)])
    node = _Linker(place, node, dict(names)).visit(node)
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        node.name = name
    elif isinstance(node, ast.Assign):
        node.targets = [ast.Name(name, ast.Store())]
    return ast.unparse(ast.fix_missing_locations(node if documented else _undocumented(node)))


@cache
def _bare(place: Place) -> ast.stmt:
    """Return a definition without annotations and what an export does without; shared, and not to be changed."""
    found = source_of(place.module).definitions.get(place.name)
    if found is None:
        msg = f"{place.module} has no definition of {place.name!r} that could be exported"
        raise ExportError(msg)
    node: ast.stmt = _Bare().visit(found)
    if isinstance(node, ast.ClassDef):
        node.body = [part for part in node.body if not isinstance(part, ast.FunctionDef) or not _is_dropped(part)]
    return node


def _base_of(record: type[BaseModel]) -> Place:
    """Return the class that a record's plain data derives from: the next of its bases that has methods to pass on."""
    for base in record.__mro__[1:]:
        place = Place(base.__module__, base.__qualname__)
        if place.is_ours and any(not name.startswith("__") for name in definition(place).parts if name != HEAD):
            return place
    return DATA


def _is_dropped(method: ast.FunctionDef) -> bool:
    """Return whether a method checks or writes a record, or works a property out, which is printed as data."""
    return any(isinstance(n, ast.Name) and n.id in _DROPPED for part in method.decorator_list for n in ast.walk(part))


def _at_once(place: Place, node: ast.stmt) -> tuple[Place, ...]:
    return _places(place, [*defaults(node), *node.decorator_list]) if isinstance(node, ast.FunctionDef) else ()


def _mentions(nodes: Iterable[ast.AST]) -> frozenset[str]:
    return frozenset[str]().union(*map(attributes, nodes))


def _places(place: Place, nodes: Iterable[ast.AST]) -> tuple[Place, ...]:
    """Return what nodes of a definition refer to, each once, in the order they stand."""
    found: dict[Place, None] = {}
    for node in nodes:
        dotted = {id(part.value): part for part in ast.walk(node) if isinstance(part, ast.Attribute)}
        for name in global_names(node):
            target = source_of(place.module).find(place.module, name.id)
            found[_inside(target, dotted.get(id(name)))] = None
    return tuple(found)


def _inside(place: Place, dotted: ast.Attribute | None) -> Place:
    """Return what a name stands for: of a module of ours, what stands behind its dot."""
    is_module = place.is_ours and not place.name and dotted is not None
    return Place(place.module, dotted.attr) if is_module and dotted is not None else place


def _make_plain(node: ast.ClassDef, kind: type[BaseModel], kept: frozenset[str], base: str) -> None:
    """Turn the class of a record into one of plain data, its defaults class attributes."""
    optional = {name: field for name, field in kind.model_fields.items() if name in kept and not field.is_required()}
    values = {name: field.get_default(call_default_factory=True) for name, field in optional.items()}
    document = node.body[:1] if ast.get_docstring(node) is not None else []
    fields = [ast.parse(f"{name} = {value!r}").body[0] for name, value in values.items()]
    methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
    node.bases, node.keywords, node.decorator_list = [ast.Name(f"({base})", ast.Load())], [], []
    node.body = [*document, *fields, *methods] or [ast.Pass()]


class _Linker(ast.NodeTransformer):
    """Gives each global name in a definition the name it has in the bundle."""

    def __init__(self, place: Place, node: ast.stmt, names: dict[Place, str]) -> None:
        self._place = place
        self._names = names
        self._global = {id(name) for name in global_names(node) if not name.id.startswith("(")}

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and id(node.value) in self._global:
            found = self._find(node.value.id)
            target = _inside(found, node)
            if target != found:
                return ast.Name(self._names[target], node.ctx)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id.startswith("("):  # the base that a record was given
            return ast.Name(node.id.strip("()"), node.ctx)
        return ast.Name(self._names[self._find(node.id)], node.ctx) if id(node) in self._global else node

    def _find(self, name: str) -> Place:
        return source_of(self._place.module).find(self._place.module, name)


class _Bare(ast.NodeTransformer):
    """Drops annotations; a field of a plain class keeps one, since that makes the field."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return None if node.value is None else ast.Assign([node.target], node.value, lineno=0)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        body: list[ast.stmt] = []
        for part in node.body:
            if isinstance(part, ast.AnnAssign):
                part.annotation = ast.Name("object", ast.Load())
            body.append(part if isinstance(part, ast.AnnAssign) else self.visit(part))
        node.body = body
        return node


def _undocumented(node: ast.stmt) -> ast.stmt:
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.ClassDef):
            texts = [item for item in part.body if isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)]
            part.body = [item for item in part.body if item not in texts] or [ast.Pass()]
    return node
