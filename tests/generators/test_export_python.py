"""An exported Python module does what the tools here do: same values, same refusals, same changes."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.generators.exporting import (
    Tried,
    alone,
    check_same,
    handmade,
    loaded,
    oracle_calls,
    random_calls,
    said,
    tasks,
)
from tests.harbour import MORE_TOOLS, TOOLS, WORLD, tool
from tool_gym import schemas
from tool_gym.cli import main
from tool_gym.envs.pack import Task, open_pack
from tool_gym.errors import ExportError
from tool_gym.generators.export.plain import NESTED, RULES, Checker
from tool_gym.generators.export.python_module import python_module, quoted
from tool_gym.scenario import Fault, PythonImpl, Shape, TemplateImpl, ToolSpec
from tool_gym.tools import FAMILIES
from tool_gym.tools.codecs import DateParts, Quantity, Single, TypedId
from tool_gym.tools.envelopes import Envelope
from tool_gym.validation import ArgumentValidator

SHAPES = set(get_args(Shape))
ROOT = Path(__file__).resolve().parents[2]
CALLS = 24
"""Random calls to each scenario."""


def scaled(name: str, base: ToolSpec, codecs: dict[str, Any] | None = None, **impl: Any) -> ToolSpec:
    """Return a tool with more to its implementation, its schema as the codecs have it."""
    properties = dict(base.parameters["properties"])
    for argument, codec in (codecs or {}).items():
        properties[argument] = codec.form(properties[argument])
    properties |= {argument: {"type": "string"} for argument in impl.get("expected", {})}
    assert isinstance(base.impl, TemplateImpl)
    what = base.impl.model_copy(update={"codecs": codecs or {}, **impl})
    return ToolSpec(name=name, description=name, parameters={**base.parameters, "properties": properties}, impl=what)


UPDATE = tool("update_ship", "update", {"table": "ship", "fields": ["draft", "crew"]}, renames={"ship_id": "id"})
LENGTH = Envelope(path=("data", "result"), extras={"status": "ok"}, style="camel", last=True)
SCALED = (
    scaled("set_draft", UPDATE, {"value": Quantity(unit="m")}, constants={}),
    scaled("ship_of", UPDATE, {"ship_id": TypedId(type="ship"), "value": Single()}),
    scaled("days", tool("days", "days_between"), {"start": DateParts()}),
    scaled("find_wrapped", tool("f", "find", {"table": "ship"}), envelope=LENGTH),
    scaled("guarded", tool("g", "find", {"table": "ship"}), expected={"version": "v2"}),
    scaled("old", tool("o", "find", {"table": "ship"}), retired="this tool is retired; use find_ship"),
    tool("odd.name-1", "find", {"table": "ship"}, renames={"from": "name"}),
    tool("list", "list", {"table": "ship", "by": "owner_id"}, renames={"class": "owner_id", "call": "page"}),
    tool("reset", "get", {"tables": {"ship": ["name"]}}, inert={"len": {"type": "integer"}}),
    tool("count", "summarize", {"table": "ship"}, constants={"operation": "count"}),
)


@pytest.mark.parametrize(
    "task", [*tasks(3), *handmade()], ids=lambda task: f"{task.scenario.shape}-{task.scenario.id[:6]}"
)
def test_calls_of_all_kinds_give_the_same(task: Task) -> None:
    check_same(task, [*oracle_calls(task.scenario), *random_calls(task, CALLS), *oracle_calls(task.scenario)])


def test_every_shape_is_among_them() -> None:
    assert {task.scenario.shape for task in [*tasks(1), *handmade()]} == SHAPES


@pytest.mark.slow
def test_many_scenarios_of_every_shape_give_the_same() -> None:
    for task in tasks(40):
        check_same(task, [*oracle_calls(task.scenario), *random_calls(task, CALLS)])


@pytest.mark.slow
def test_a_fresh_pack_as_complex_as_can_be_gives_the_same(tmp_path: Path) -> None:
    out = tmp_path / "hard"
    assert main(["generate", "--out", str(out), "--seed", "9", "--train", "30", "--complexity", "4"]) == 0
    pack = open_pack(out)
    for entry in pack.entries():
        task = pack.task(entry.id)
        check_same(task, [*oracle_calls(task.scenario), *random_calls(task, CALLS)])


def test_a_module_is_the_same_in_every_process() -> None:
    program = (
        "from tests.generators.exporting import tasks; import hashlib\n"
        "from tool_gym.generators.export.python_module import python_module\n"
        "print(hashlib.sha256(''.join(map(python_module, tasks(1))).encode()).hexdigest())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True,
            text=True, check=True,
        ).stdout
        for seed in ("0", "1")
    }  # fmt: skip
    assert len(printed) == 1


@pytest.mark.parametrize("spec", [*TOOLS, *MORE_TOOLS, *SCALED], ids=lambda spec: spec.name)
def test_every_tool_alone_gives_the_same(spec: ToolSpec) -> None:
    task = alone(spec)
    check_same(task, random_calls(task, 80))


def test_every_family_and_every_part_of_an_implementation_is_among_them() -> None:
    impls = [spec.impl for spec in (*TOOLS, *MORE_TOOLS, *SCALED)]
    assert {impl.family for impl in impls if isinstance(impl, TemplateImpl)} == set(FAMILIES)
    said_by = [impl.model_dump() for impl in impls]
    assert {key for said_one in said_by for key, value in said_one.items() if value} == set(TemplateImpl.model_fields)


def test_tools_of_all_families_fit_into_one_module() -> None:
    task = alone(*TOOLS, *MORE_TOOLS, *SCALED)
    check_same(task, random_calls(task, 200))


def test_faults_come_back_with_a_reset() -> None:
    task = alone(TOOLS[0])
    faulty = task.scenario.model_copy(update={"faults": (Fault(tool=TOOLS[0].name, times=1),)})
    module = loaded(Task(faulty, WORLD))
    call = Tried("find_ship", {"name": "aurora"})
    first, second = said(module, call), said(module, call)
    module.reset()
    assert [first.outcome.label, second.value, said(module, call).outcome.label] == [
        "transient_fault", {"id": "SH1", "name": "Aurora"}, "transient_fault",
    ]  # fmt: skip


def test_functions_have_the_tools_names_parameters_and_documents() -> None:
    module = loaded(alone(*TOOLS, *SCALED))
    for spec in (*TOOLS, *SCALED):
        function = module.FUNCTIONS[spec.name]
        assert getattr(module, function.__name__) is function
        assert function.__doc__.startswith(spec.description)
        parameters = inspect.signature(function).parameters.values()
        needed = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
        assert len(parameters) == len(spec.parameters["properties"])
        assert len(needed) == len(spec.parameters["required"])
    assert module.FUNCTIONS["odd.name-1"].__name__ == "odd_name_1"
    assert module.odd_name_1(from_="Aurora")["id"] == module.find_ship("AURORA")["id"] == "SH1"
    assert module.list_(class_="OW1")["total"] == 2
    with pytest.raises(module.ToolError, match="no ship"):
        module.find_ship(name="Nobody")


def test_a_module_runs_alone(tmp_path: Path) -> None:
    path = tmp_path / "harbour_tools.py"
    path.write_text(python_module(alone(*TOOLS, *MORE_TOOLS, *SCALED)), encoding="utf-8")
    program = "import harbour_tools as h; print(h.find_ship('Aurora'), h.state()['owner']['OW1']['home_port'])"
    run = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", f"import sys; sys.path.insert(0, '.'); {program}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.stdout, run.stderr) == ("{'id': 'SH1', 'name': 'Aurora'} Bergen\n", "")
    imported = {name for node in ast.walk(ast.parse(path.read_text())) for name in _imported(node)}
    assert imported <= sys.stdlib_module_names


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").split(".")[0]}
    return {alias.name.split(".")[0] for alias in node.names} if isinstance(node, ast.Import) else set()


@given(st.text())
def test_a_document_can_hold_anything_and_be_nothing_but_a_document(text: str) -> None:
    tree = ast.parse(f"def f():\n{quoted(text, '    ')}\n    return 1\n")
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    assert len(function.body) == 2
    assert isinstance(ast.literal_eval(ast.unparse(function.body[0])), str)


def test_a_golden_answer_is_not_in_a_module_but_as_a_cell() -> None:
    task = next(task for task in tasks(1) if task.scenario.shape == "multi_hop")
    source = python_module(task)
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    assert not names & {"gold", "goals", "plans", "sub_goals"}
    assert task.scenario.sub_goals[-1].question not in source


def test_foreign_source_and_unknown_keywords_are_refused() -> None:
    parameters = {"type": "object", "properties": {"x": {"type": "number", "multipleOf": 2}}}
    strange = tool("calculate", "calculate", inert={"x": {"type": "number", "multipleOf": 2}})
    with pytest.raises(ExportError, match="multipleOf"):
        python_module(alone(strange))
    foreign = ToolSpec(name="f", description="", parameters=parameters, impl=PythonImpl(source="", entry="f"))
    with pytest.raises(ValueError, match="Python source"):
        python_module(alone(foreign))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.sampled_from(["a", "ab", "B", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
LEAVES = st.fixed_dictionaries(
    {},
    optional={
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        **{key: st.integers(-3, 3) for key in RULES if key.endswith("imum")},
        **{key: st.integers(0, 3) for key in RULES if key[:3] in ("min", "max") and key[3:] in ("Length", "Items")},
        **{key: st.integers(0, 3) for key in ("minProperties", "maxProperties")},
        "pattern": st.sampled_from(["^a", "b$", "[0-9]"]),
        "uniqueItems": st.booleans(),
        "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
    },
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES,
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            "additionalProperties": st.booleans() | inner,
            "items": inner,
            **{key: st.lists(inner, min_size=1, max_size=2) for key in ("anyOf", "oneOf", "allOf")},
        },
    ),
    max_leaves=5,
)


@given(SCHEMAS, VALUES)
def test_the_small_checker_decides_as_the_validator_does(schema: dict[str, Any], value: Any) -> None:
    assert Checker(schemas.resolve(schema)).is_valid(value) == ArgumentValidator.of(schema).is_valid(value)  # type: ignore[arg-type]  # no boolean


def test_the_schemas_tried_use_every_keyword_of_the_checker() -> None:
    text = repr(SCHEMAS)
    assert all(f"'{keyword}'" in text for keyword in (*RULES, *NESTED))
