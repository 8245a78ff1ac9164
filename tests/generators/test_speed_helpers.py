"""What makes generation quick changes nothing: caches, batches and shortcuts agree with the plain way."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.generators.building import assemble, named, world_of
from tool_gym import jsonio
from tool_gym.errors import ScenarioError
from tool_gym.generators import collecting
from tool_gym.generators.batches import Batches
from tool_gym.generators.calls import Caller, Stock, table_of
from tool_gym.generators.expressions import Agg, Attr, Evaluator
from tool_gym.generators.gates.mentions import Mentions, document, open_document
from tool_gym.generators.reach import Reach
from tool_gym.validation import ArgumentValidator, check_schema
from tool_gym.world import WorldView

WORLD = world_of("energy")
PROPERTIES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "enum": ["a", "b"], "description": "One of two."},
        {"type": "integer", "minimum": 1, "default": 3},
        {"type": "nothing"},
        {"minimum": "low"},
        {"type": "array", "items": {"type": "string"}, "maxItems": 1},
        {"$ref": "#/$defs/x"},
        {"pattern": "("},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        True,
        7,
    ]
)
SCHEMAS = st.builds(
    lambda properties, required, more: {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        **more,
    },
    st.dictionaries(st.sampled_from("abcd"), PROPERTIES, max_size=3),
    st.lists(st.sampled_from(["a", "b", 1]), max_size=2),
    st.sampled_from([{}, {}, {"$defs": {"x": {"type": "string"}}}, {"additionalProperties": True}, {"type": "array"}]),
)


def refused(check: Any, schema: dict[str, Any]) -> bool:
    try:
        check(schema)
    except ScenarioError:
        return True
    return False


@given(SCHEMAS)
def test_a_schema_is_refused_if_no_validator_takes_it(schema: dict[str, Any]) -> None:
    assert refused(check_schema, schema) == refused(ArgumentValidator.of, schema)


def test_batches_are_the_calls_that_arguments_give() -> None:
    goal = (Attr(named(WORLD, "plant"), "capacity"),)
    extra = [("list", "inspection", None), ("search", "plant"), ("top", "inspection", None), ("compare", "plant")]
    reach = Reach(assemble(goal, WORLD, extra=extra), patience=3)
    caller, view = Caller(WORLD), WorldView(WORLD.base)
    stock = Stock.of(WORLD, [*list(WORLD.tables["plant"].rows)[:3], "wind"], ["nobody"])
    for tool in reach._tools:
        run = caller.runs(tool)
        outcomes = [(given, caller.call(run, view, given)) for given in caller.arguments(tool, stock)]
        wanted = [(given, outcome.shown) for given, outcome in outcomes if outcome.ok]
        for _ in range(2):
            batches = list(Batches(tool, WORLD, stock).fitting(None))
            made = [(call.arguments, call.value) for batch in batches for call in batch.calls]
            assert sorted(made, key=jsonio.dumps) == sorted(wanted, key=jsonio.dumps)
            assert sum(batch.tried for batch in batches) == len(outcomes)


def test_groups_are_the_rows_that_refer_to_a_parent_before_and_after_a_change() -> None:
    parent = named(WORLD, "plant")
    group = Agg("inspection", "count", None, "plant_id", parent)
    for changed in (False, True):
        view = WorldView(WORLD.base)
        if changed:
            view.update("inspection", next(iter(WORLD.tables["inspection"].rows)), {"plant_id": parent.row})
        wanted = [row for row in view.rows("inspection") if row["plant_id"] == parent.row]
        assert Evaluator(view).group(group) == wanted


def test_every_row_is_in_its_table() -> None:
    for name, table in WORLD.tables.items():
        assert {table_of(WORLD, row) for row in table.rows} == {name}
    assert table_of(WORLD, "nothing") is None


class TestMentions:
    def test_texts_together_say_what_each_says_and_nothing_across(self) -> None:
        both = Mentions.together([Mentions("the north wing has 12 rooms"), Mentions("east side, since 2024-03-01")])
        assert all(both.has(value) for value in ("north wing", 12, "2024-03-01", "east side"))
        assert not any(both.has(value) for value in ("rooms east", 13, "2024-03-02"))

    @pytest.mark.parametrize("text", ["on 1 March 2024", "March 1, 2024.", "2024/3/1", "(2024-03-01)", "x2024-03-01"])
    def test_dates_are_found_in_every_form(self, text: str) -> None:
        assert Mentions(text).has("2024-03-01")

    def test_closed_lists_can_be_left_out_of_a_document(self) -> None:
        tool = assemble((Agg("plant", "count", None, filter=("source", "wind")),), WORLD).scenario.tools[0]
        assert document(tool).has("wind")
        assert not open_document(tool).has("wind")
        assert open_document(tool).has(tool.name)


def test_the_collector_is_afterwards_as_it_was() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()

    def fail() -> None:
        with collecting.seldom():
            assert gc.get_threshold() != before[0]
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
