"""A scenario as a stand-alone Python module: plain functions over the world's tables, and nothing to install.

The functions have the tools' names, parameters and documentation. A call that an episode would refuse raises
`ToolError`. What calls change lasts until `reset()`. No goals, golds or plans are in it.
"""

from __future__ import annotations

from typing import Any

from tool_gym import jsonio
from tool_gym.envs.pack import Task
from tool_gym.generators.export import standalone
from tool_gym.generators.export.bundle import Bundle, bundled
from tool_gym.generators.export.naming import python_names
from tool_gym.generators.export.prepared import INSTEAD, Prepared, literal, prepared, registry, roots_of, rows_of
from tool_gym.runtime.inprocess import InProcessSession
from tool_gym.scenario import TemplateImpl
from tool_gym.version import __version__

WIDTH = 120
"""Widest line of text, in characters; data may be wider."""

RESERVED = ("Any", "FUNCTIONS", "REQUEST", "ToolError", "UNSET", "annotations", "call", "reset", "state")
"""Names of the module that no tool may have."""

_RUNTIME: tuple[Any, ...] = (
    standalone.ToolError,
    standalone.rows,
    standalone.base_of,
    standalone.tool,
    standalone.Tools,
    standalone.called,
    standalone.rows_seen,
    InProcessSession,
    TemplateImpl,
)
_PRIVATE = ("_BASE", "_FAULTS", "_TABLES", "_TOOLS", "_given", "_session")
_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "list[Any]",
    "object": "dict[str, Any]",
    "null": "None",
}


def python_module(task: Task) -> str:
    """Return the source of a module with the tools of a scenario.

    Args:
        task: The scenario and its world.

    Returns:
        Python 3.11, its lines ending in newlines.

    Raises:
        ScenarioError: If a tool is foreign source, or does not fit its world.
        ExportError: If a tool needs what a module of the standard library alone cannot have.
    """
    tools = prepared(task)
    names = python_names((tool.spec.name for tool in tools), RESERVED)
    roots: dict[Any, str] = {part: part.__name__ for part in _RUNTIME}
    roots |= roots_of(tools, task.world.tables.values())
    reserved = {*names.values(), *RESERVED, *_PRIVATE} - {standalone.ToolError.__name__}
    bundle = bundled(roots, INSTEAD, reserved)
    parts = (
        _head(task, bundle),
        *(_function(tool, names[tool.spec.name]) for tool in tools),
        _STATE.format(called=bundle.name_of(standalone.called), seen=bundle.name_of(standalone.rows_seen)),
        "# --- how they work " + "-" * (WIDTH - 19) + "\n",
        *bundle.definitions(),
        "# --- the world, and the tools bound to it " + "-" * (WIDTH - 42) + "\n",
        _world(task, bundle),
        _bound(task, tools, names, bundle),
    )
    return "\n\n".join(part.rstrip("\n") + "\n" for part in parts)


def document(spec_text: str, properties: dict[str, Any], names: dict[str, str]) -> str:
    """Return the docstring of a tool: what it says of itself, and what its arguments are."""
    lines = [spec_text.strip()]
    if properties:
        lines += ["", "Args:"]
        lines += [f"    {names[name]}: {_about(schema)}".rstrip() for name, schema in properties.items()]
    return "\n".join(lines)


def quoted(text: str, indent: str) -> str:
    """Return a docstring as it stands in source, whatever is in it."""
    text = jsonio.clean_text(text).replace("\\", "\\\\").replace('"', '\\"') if _is_awkward(text) else text
    text = "".join(letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in text)
    lines = text.split("\n")
    body = "\n".join(f"{indent}{line}" if line.strip() else "" for line in lines[1:])
    return f'{indent}"""{lines[0]}' + (f"\n{body}\n{indent}" if len(lines) > 1 else "") + '"""'


def _is_awkward(text: str) -> bool:
    return "\\" in text or '"""' in text or text.endswith('"') or not text.isprintable()


def _head(task: Task, bundle: Bundle) -> str:
    scenario = task.scenario
    text = (
        f"The tools of scenario {scenario.id} (domain {scenario.domain}), exported by tool-gym {__version__}.\n\n"
        "Call a tool as a function, or with `call(name, arguments)` by the names a model sees, which FUNCTIONS has.\n"
        "A refused call raises ToolError and changes nothing. What calls change lasts until `reset()`; see `state()`.\n"
        "REQUEST is what the user says, turn by turn."
    )
    turns = "".join(f"    {turn!r},\n" for turn in scenario.user_turns)
    imports = sorted({*bundle.imports(), "from typing import Any"}, key=lambda line: (line.startswith("from"), line))
    lines = [quoted(text, ""), "from __future__ import annotations", "\n".join(imports)]
    return (
        "\n\n".join(lines)
        + f"\n\nREQUEST = (\n{turns})\nUNSET: Any = object()\n"
        + quoted("Stands for an argument that is not given.", "")
    )


def _function(tool: Prepared, name: str) -> str:
    properties, required = tool.spec.parameters.get("properties", {}), tool.spec.parameters.get("required", ())
    order = sorted(properties, key=lambda key: key not in required)
    arguments = python_names(order, (*RESERVED, *_PRIVATE))
    given = ", ".join(
        f"{arguments[key]}: {_annotation(properties[key])}" + ("" if key in required else " = UNSET") for key in order
    )
    text = document(tool.spec.description, {key: properties[key] for key in order}, arguments)
    pairs = ", ".join(f"{key!r}: {arguments[key]}" for key in order)
    passed = "{" + pairs + "}" if set(order) <= set(required) else "_given({" + pairs + "})"
    return f"def {name}({given}) -> Any:\n{quoted(text, '    ')}\n    return call({tool.spec.name!r}, {passed})\n"


def _annotation(schema: Any) -> str:
    kinds = schema.get("type", ()) if isinstance(schema, dict) else ()
    return " | ".join(_TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)) or "Any"


def _about(schema: Any) -> str:
    """Say what an argument is: its description, its closed list, its default."""
    if not isinstance(schema, dict):
        return ""
    options = "One of " + ", ".join(jsonio.dumps(option) for option in schema["enum"]) + "." if "enum" in schema else ""
    default = f"Default {jsonio.dumps(schema['default'])}." if "default" in schema else ""
    text = " ".join(str(schema.get("description", "")).split())
    return " ".join(part for part in (text, options, default) if part)


def _world(task: Task, bundle: Bundle) -> str:
    lines = ["_TABLES = {\n"]
    for name, table in task.world.tables.items():
        shell = literal(table.model_copy(update={"rows": {}}), bundle).removesuffix("rows={})")
        columns, cells = rows_of(table)
        lines.append(f"    {name!r}: {shell}rows={bundle.name_of(standalone.rows)}(\n        {columns!r},\n")
        lines += [f"        {row!r},\n" for row in cells]
        lines.append("    )),\n")
    lines.append(f"}}\n_BASE = {bundle.name_of(standalone.base_of)}(_TABLES)\n")
    return "".join(lines)


def _bound(task: Task, tools: list[Prepared], names: dict[str, str], bundle: Bundle) -> str:
    lines = [
        registry(tools, bundle),
        f"_TOOLS = {bundle.name_of(standalone.Tools)}({{\n",
        *(f"    {tool.spec.name!r}: {_tool(tool, bundle)},\n" for tool in tools),
        "})\n",
    ]
    lines.append(f"_FAULTS = { ({fault.tool: fault.times for fault in task.scenario.faults})!r}\n")
    lines.append(f"_session = {bundle.name_of(InProcessSession)}(_BASE, _TOOLS, _FAULTS)\n\n")
    lines.append("FUNCTIONS = {\n" + "".join(f"    {name!r}: {safe},\n" for name, safe in names.items()) + "}\n")
    return "".join(lines)


def _tool(tool: Prepared, bundle: Bundle) -> str:
    run = f"{bundle.name_of(tool.family.compile)}({literal(tool.bindings, bundle)}, _BASE)"
    made = bundle.name_of(standalone.tool)
    parts = (run, literal(tool.impl, bundle), repr(tool.schema), repr(tool.roles))
    return f"{made}(\n" + "".join(f"        {part},\n" for part in parts) + "    )"


_STATE = '''def call(name: str, arguments: dict[str, Any]) -> Any:
    """Call a tool by the name a model sees, with its arguments by theirs; raise ToolError if it is refused."""
    return {called}(_session, name, arguments)


def reset() -> None:
    """Undo what calls have changed."""
    global _session
    _session = type(_session)(_BASE, _TOOLS, _FAULTS)


def state() -> dict[str, dict[str, Any]]:
    """Return every table as it is now: row id to row."""
    return {seen}(_BASE, _session._view)


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {{name: value for name, value in arguments.items() if value is not UNSET}}
'''
