"""The kinds of document of tools that change the world; see `tool_gym.generators.document_kinds`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tool_gym.generators.domain import Entity
from tool_gym.generators.registers import Title, described
from tool_gym.scenario import TemplateImpl, ToolSpec

if TYPE_CHECKING:
    from tool_gym.generators.document import Catalogue


def _writable(entity: Entity) -> list[str]:
    return [column for column, attribute in entity.columns.items() if attribute.writable]


def _create_bindings(name: str, entity: Entity) -> dict[str, Any]:
    fields = [column for column, attribute in entity.columns.items() if attribute.type != "state"]
    return {"table": name, "fields": fields}


def _columns(entity: Entity) -> str:
    nouns = [described(column, entity.columns[column]) for column in _writable(entity)]
    return nouns[0] if len(nouns) == 1 else f"{', '.join(nouns[:-1])} or {nouns[-1]}"


def _create(catalogue: Catalogue, name: str) -> ToolSpec:
    bindings = _create_bindings(name, catalogue.domain.entities[name])
    return catalogue.make("create", Title("create", name), TemplateImpl(family="create", bindings=bindings))


def _update(catalogue: Catalogue, name: str) -> ToolSpec:
    bindings = {"table": name, "fields": _writable(catalogue.domain.entities[name])}
    return catalogue.make("update", Title("update", name), TemplateImpl(family="update", bindings=bindings))


def _update_one(catalogue: Catalogue, name: str, column: str) -> ToolSpec:
    what = described(column, catalogue.domain.entities[name].columns[column])
    impl = TemplateImpl(family="update", bindings={"table": name, "fields": [column]}, constants={"field": column})
    return catalogue.make("update_one", Title("set", name, column), impl, what=what)


def _patch(catalogue: Catalogue, name: str) -> ToolSpec:
    entity = catalogue.domain.entities[name]
    bindings = {"table": name, "fields": _writable(entity), "by_column": True}
    impl = TemplateImpl(family="update", bindings=bindings)
    return catalogue.make("patch", Title("update", name), impl, columns=_columns(entity))


def _upsert(catalogue: Catalogue, name: str) -> ToolSpec:
    entity = catalogue.domain.entities[name]
    update = {"table": name, "fields": _writable(entity), "by_column": True}
    parts = {
        "create": {"family": "create", "bindings": _create_bindings(name, entity)},
        "update": {"family": "update", "bindings": update},
    }
    impl = TemplateImpl(family="choose_write", bindings={"selector": "mode", "parts": parts})
    return catalogue.make("upsert", Title("save", name), impl, columns=_columns(entity))


def _state_bindings(catalogue: Catalogue, name: str) -> tuple[str, dict[str, Any]]:
    state = catalogue.domain.entities[name].state or ""
    return state, {"table": name, "column": state}


def _transition(catalogue: Catalogue, name: str) -> ToolSpec:
    state, bindings = _state_bindings(catalogue, name)
    impl = TemplateImpl(family="transition", bindings=bindings)
    return catalogue.make("transition", Title("transition", name, state), impl, state=state)


def _transition_one(catalogue: Catalogue, name: str, value: str) -> ToolSpec:
    state, bindings = _state_bindings(catalogue, name)
    impl = TemplateImpl(family="transition", bindings=bindings, constants={state: value})
    told = value.replace("_", " ")
    return catalogue.make("transition_one", Title("mark", name, "", f"as {value}"), impl, state=state, value=told)


def _change_state(catalogue: Catalogue, name: str) -> ToolSpec:
    state, bindings = _state_bindings(catalogue, name)
    impl = TemplateImpl(family="transition", bindings=bindings)
    return catalogue.make("change_state", Title("transition", name, state), impl, state=state)


def _cancel(catalogue: Catalogue, name: str) -> ToolSpec:
    _, bindings = _state_bindings(catalogue, name)
    impl = TemplateImpl(family="cancel", bindings=bindings)
    return catalogue.make("cancel", Title("cancel", name), impl, plain=True)


WRITES: dict[str, Callable[..., ToolSpec]] = {
    "create": _create,
    "update": _update,
    "update_one": _update_one,
    "patch": _patch,
    "upsert": _upsert,
    "transition": _transition,
    "transition_one": _transition_one,
    "change_state": _change_state,
    "cancel": _cancel,
}
"""Kind → what makes its documents."""
