"""Which names of a function or class are global ones: what it needs from its module, and nothing it binds itself."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from typing import TypeAlias

Scope: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

_BUILTINS = frozenset(dir(builtins))


def global_names(node: ast.AST) -> list[ast.Name]:
    """Return the names read in `node` that neither it nor Python itself defines, in the order they stand."""
    return list(_read(node, frozenset()))


def attributes(node: ast.AST) -> set[str]:
    """Return every name that stands behind a dot in `node`."""
    return {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}


def names(*nodes: ast.AST) -> set[str]:
    """Return every name in `nodes`."""
    return {part.id for node in nodes for part in ast.walk(node) if isinstance(part, ast.Name)}


def defaults(function: Scope) -> list[ast.expr]:
    """Return the values of a function's optional arguments."""
    return [*function.args.defaults, *(part for part in function.args.kw_defaults if part is not None)]


def _read(node: ast.AST, local: frozenset[str]) -> Iterator[ast.Name]:
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load) and node.id not in local and node.id not in _BUILTINS:
            yield node
        return
    if isinstance(node, Scope):
        yield from _read_all([*defaults(node), *getattr(node, "decorator_list", ())], local)
        body = node.body if isinstance(node.body, list) else [node.body]
        yield from _read_all(body, local | _arguments(node) | _bound(body))
        return
    if isinstance(node, ast.ClassDef):
        yield from _read_all([*node.bases, *node.keywords, *node.decorator_list], local)
        own = local | _bound(node.body)
        for part in node.body:
            yield from _read(part, local if isinstance(part, Scope) else own)
        return
    if isinstance(node, Comprehension):
        local |= _bound([part.target for part in node.generators])
    yield from _read_all(ast.iter_child_nodes(node), local)


def _read_all(nodes: Iterable[ast.AST], local: frozenset[str]) -> Iterator[ast.Name]:
    for node in nodes:
        yield from _read(node, local)


def _arguments(scope: Scope) -> frozenset[str]:
    given = scope.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return frozenset(argument.arg for argument in every if argument is not None)


def _bound(body: Iterable[ast.AST]) -> frozenset[str]:
    """Return the names some statements bind: whatever is assigned to, inner functions and classes, imports."""
    found: set[str] = set()
    left = list(body)
    while left:
        node = left.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name is not None:
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if not isinstance(node, Scope | ast.ClassDef):
            left.extend(ast.iter_child_nodes(node))
    return frozenset(found)
