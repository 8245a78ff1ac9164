"""G4 and G7 on goals chosen by hand: two descriptions of one row, decoration, and what counts as needed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.generators.building import altered, assemble, named, with_cells, with_tool, world_of
from tool_gym.generators.decompose import Goal, RejectedError
from tool_gym.generators.disturb import changed, changes
from tool_gym.generators.expressions import (
    Agg,
    Attr,
    Best,
    ById,
    ByName,
    Calendar,
    Convert,
    Create,
    Evaluator,
    Follow,
    Free,
    Higher,
    Top,
    UndefinedError,
)
from tool_gym.generators.gates import g04_unique, g07_needed
from tool_gym.world import World, WorldView

WORLD = world_of("museum")
ROWS = WORLD.tables
CALENDAR = Calendar("tour", "docent_id", "given_on", "status", ("pending", "approved", "ongoing"))
GALLERY = ByName("gallery", next(
    row for row in ROWS["gallery"].rows if sum(a["gallery_id"] == row for a in ROWS["artifact"].rows.values()) >= 4
))  # fmt: skip
HEAVIEST = Top("artifact", "weight", descending=True, by="gallery_id", parent=GALLERY)


def check(goal: Goal, world: World = WORLD, **merges: Any) -> None:
    g07_needed.check(assemble(goal, world, **merges))


def test_a_way_round_in_a_circle_is_decoration() -> None:
    """The gallery of the heaviest artifact of a gallery is that gallery."""
    check((Attr(GALLERY, "floor_area"),))
    with pytest.raises(RejectedError, match="changes nothing") as rejection:
        check((Attr(Follow("gallery", "gallery_id", HEAVIEST), "floor_area"),))
    assert rejection.value.gate == "G7"


def test_a_reference_all_rows_share_is_still_needed() -> None:
    """It could lead elsewhere in another world, and then the answer would be another."""
    curator = next(iter(ROWS["curator"].rows))
    world = with_cells(WORLD, {("gallery", row, "curator_id"): curator for row in ROWS["gallery"].rows})
    check((Attr(Follow("curator", "curator_id", GALLERY), "recruited_on"),), world)


def test_an_order_that_decides_nothing_is_decoration() -> None:
    galleries = {
        ("artifact", row, "material"): "bronze" for row, cells in ROWS["artifact"].rows.items()
        if cells["gallery_id"] == GALLERY.row
    }  # fmt: skip
    check((Attr(HEAVIEST, "material"),))
    with pytest.raises(RejectedError, match="the order of Top changes nothing"):
        check((Attr(HEAVIEST, "material"),), with_cells(WORLD, galleries))


def test_a_category_that_leaves_out_nothing_is_decoration() -> None:
    materials = {row["material"] for row in ROWS["artifact"].rows.values()}
    heaviest = max(ROWS["artifact"].rows.values(), key=lambda row: row["weight"])
    other = next(material for material in sorted(materials) if material != heaviest["material"])
    check((Best("artifact", "weight", descending=True, filter=("material", other)),))
    with pytest.raises(RejectedError, match="a filter that leaves out nothing"):
        check((Best("artifact", "weight", descending=True, filter=("material", heaviest["material"])),))


def test_a_filter_that_spares_the_extreme_is_decoration() -> None:
    heaviest = max(ROWS["artifact"].rows.values(), key=lambda row: row["weight"])
    with pytest.raises(RejectedError, match="a filter that leaves out nothing"):
        check((Agg("artifact", "maximum", "weight", filter=("material", heaviest["material"])),))


def test_a_count_of_everything_rests_on_no_cell() -> None:
    with pytest.raises(RejectedError, match="the rows of Agg changes nothing"):
        check((Agg("artifact", "count", None),))


def test_a_new_row_needs_what_its_references_are_found_by() -> None:
    """The docent's part is plain; the gallery is found by way of its heaviest artifact, or round in a circle."""
    artifact = named(WORLD, "artifact")
    values = (("given_on", "2025-05-05"), ("ticket_price", 12.5), ("walking_distance", 800))
    found = Follow("gallery", "gallery_id", artifact)
    check((Create("tour", values, (("gallery_id", found), ("docent_id", named(WORLD, "docent")))),))
    circle = Follow("gallery", "gallery_id", HEAVIEST)
    with pytest.raises(RejectedError, match="changes nothing"):
        check((Create("tour", values, (("gallery_id", circle), ("docent_id", named(WORLD, "docent")))),))


def test_a_goal_without_an_answer_is_rejected() -> None:
    candidate = assemble((HEAVIEST,), WORLD)
    empty = with_cells(WORLD, {("artifact", row, "gallery_id"): _other_gallery() for row in ROWS["artifact"].rows})
    with pytest.raises(RejectedError, match="undefined"):
        g07_needed.check(altered(candidate, empty))


def _other_gallery() -> str:
    return next(row for row in ROWS["gallery"].rows if row != GALLERY.row)


DOCENT = ById("docent", next(iter(ROWS["docent"].rows)))
TOURS = [row for row in ROWS["tour"].rows.values() if row["docent_id"] == DOCENT.row]
READS: list[Any] = [
    Attr(GALLERY, "floor_area"),
    Attr(named(WORLD, "artifact"), "material"),
    Attr(named(WORLD, "artifact"), "acquired_on"),
    Attr(named(WORLD, "docent"), "home_town"),
    Follow("curator", "curator_id", GALLERY),
    HEAVIEST,
    Best("artifact", "height", descending=False, filter=("material", "clay")),
    Agg("artifact", "sum", "weight", "gallery_id", GALLERY),
    Agg("artifact", "average", "height", "gallery_id", GALLERY, filter=None),
    Agg("artifact", "count", None, "gallery_id", GALLERY),
    Agg("artifact", "count", None, filter=("material", "clay")),
    Higher("artifact", "weight", named(WORLD, "artifact", 0), named(WORLD, "artifact", 1)),
    Free(DOCENT, TOURS[0]["given_on"], CALENDAR),
    Free(DOCENT, "2030-01-01", CALENDAR),
]


@pytest.mark.parametrize("part", READS, ids=repr)
def test_changes_of_the_world_change_the_part_and_leave_a_legal_world(part: Any) -> None:
    def value(view: WorldView) -> Any:
        evaluate = Evaluator(view)
        try:
            found = evaluate.value(part)
        except (UndefinedError, AttributeError):
            found = None
        if found is None:
            try:
                return evaluate.row(part)["id"]
            except (UndefinedError, AttributeError):
                return None
        return found

    before = value(WorldView(WORLD.base))
    for aspect, possible in changes(WORLD, part).items():
        views = [changed(WORLD, change) for change in possible]
        assert any(value(view) != before for view in views), aspect
        for view in views:
            for table, delta in view.delta.items():
                for row_id, row in delta.items():
                    assert row is not None
                    with_cells(WORLD, {(table, row_id, column): cell for column, cell in row.items()}).check()


class TestUniqueness:
    def test_two_descriptions_of_one_row(self) -> None:
        plain = (Attr(GALLERY, "floor_area"), Attr(named(WORLD, "artifact"), "weight"))
        g04_unique.check(assemble(plain, WORLD))
        twice = (Attr(GALLERY, "floor_area"), Attr(ById("gallery", GALLERY.row), "opened_on"))
        with pytest.raises(RejectedError, match="two descriptions of one row"):
            g04_unique.check(assemble(twice, WORLD))

    def test_a_choice_of_two_may_name_one_of_them_again(self) -> None:
        pair = named(WORLD, "artifact", 0), named(WORLD, "artifact", 1)
        g04_unique.check(assemble((Attr(Higher("artifact", "weight", *pair), "height"),), WORLD))

    def test_a_unit_to_convert_from_must_be_documented(self) -> None:
        goal = (Convert(Attr(GALLERY, "floor_area"), "m2", "ft2"),)
        for getters in ("atomic", "by_field", "record", "union"):
            candidate = assemble(goal, WORLD, getters=getters)
            g04_unique.check(candidate)
            name = candidate.scenario.sub_goals[1].tool
            number = [tool.name for tool in candidate.scenario.tools].index(name)
            silent = with_tool(candidate, _without_units, number)
            with pytest.raises(RejectedError, match="a unit that no document says"):
                g04_unique.check(silent)

    def test_a_filter_must_leave_rows(self) -> None:
        rows = list(ROWS["artifact"].rows)
        rare = {("artifact", row, "material"): "glass" for row in rows}
        rare[("artifact", rows[0], "material")] = "clay"
        goal = (Best("artifact", "weight", descending=True, filter=("material", "clay")),)
        g04_unique.check(assemble(goal, WORLD))
        with pytest.raises(RejectedError, match="too small"):
            g04_unique.check(assemble(goal, with_cells(WORLD, rare)))


def _without_units(tool: Any) -> Any:
    properties = {name: {**schema, "description": "It."} for name, schema in tool.parameters["properties"].items()}
    parameters = {**tool.parameters, "properties": properties}
    return tool.model_copy(update={"description": "Reads.", "parameters": parameters})
