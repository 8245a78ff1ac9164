"""Changes to a tool that keep what it does: its parameters by new names, with other schemas, with more of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tool_gym.generators.calls import template
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.tools.codecs import Codec
from tool_gym.values import Scalar


def renamed(tool: ToolSpec, names: Mapping[str, str]) -> ToolSpec:
    """Return the tool with other names for some of its parameters: old → new."""
    if not names:
        return tool
    impl, parameters = template(tool), tool.parameters
    plain = [name for name in parameters["properties"] if name not in impl.inert and name not in impl.expected]
    roles = {names.get(name, name): impl.renames.get(name, name) for name in plain}
    changes = {
        "renames": {name: role for name, role in roles.items() if name != role},
        "inert": tuple(names.get(name, name) for name in impl.inert),
        "expected": {names.get(name, name): value for name, value in impl.expected.items()},
        "codecs": {names.get(name, name): codec for name, codec in impl.codecs.items()},
    }
    schema = {
        **parameters,
        "properties": {names.get(name, name): of for name, of in parameters["properties"].items()},
        "required": [names.get(name, name) for name in parameters.get("required", ())],
    }
    return tool.model_copy(update={"parameters": schema, "impl": impl.model_copy(update=changes)})


def extended(tool: ToolSpec, optional: Mapping[str, Any], mandatory: Mapping[str, tuple[Any, Scalar]]) -> ToolSpec:
    """Return the tool with more parameters that change nothing.

    Args:
        tool: The tool.
        optional: Name → schema of parameters that may be given.
        mandatory: Name → (schema, the only value accepted) of parameters that must be given.
    """
    impl, parameters = template(tool), tool.parameters
    more = {**optional, **{name: schema for name, (schema, _) in mandatory.items()}}
    schema = {
        **parameters,
        "properties": {**parameters["properties"], **more},
        "required": [*parameters.get("required", ()), *mandatory],
    }
    expected = {name: value for name, (_, value) in mandatory.items()}
    changes = {"inert": (*impl.inert, *optional), "expected": {**impl.expected, **expected}}
    return tool.model_copy(update={"parameters": schema, "impl": impl.model_copy(update=changes)})


def described(tool: ToolSpec, text: str, parameters: Mapping[str, str]) -> ToolSpec:
    """Return the tool with another description, and others for some of its parameters; an empty one is left out."""
    properties = {
        name: _described(of, parameters[name]) if name in parameters else of
        for name, of in tool.parameters["properties"].items()
    }
    return tool.model_copy(update={"description": text, "parameters": {**tool.parameters, "properties": properties}})


def recoded(tool: ToolSpec, codecs: Mapping[str, Codec], words: Mapping[str, str]) -> ToolSpec:
    """Return the tool with other forms for some of its parameters, each with words that say so."""
    if not codecs:
        return tool
    properties = dict(tool.parameters["properties"])
    for name, codec in codecs.items():
        plain = {key: value for key, value in properties[name].items() if key != "description"}
        text = f"{properties[name].get('description', '')} {words[name]}".strip()
        properties[name] = {**codec.form(plain), "description": text}
    impl: TemplateImpl = template(tool)
    changed = impl.model_copy(update={"codecs": {**impl.codecs, **codecs}})
    return tool.model_copy(update={"parameters": {**tool.parameters, "properties": properties}, "impl": changed})


def _described(schema: dict[str, Any], text: str) -> dict[str, Any]:
    plain = {key: value for key, value in schema.items() if key != "description"}
    return {**plain, "description": text} if text else plain
