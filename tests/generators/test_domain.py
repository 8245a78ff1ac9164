"""Domain files, worlds and seeds: what breaks the format is named, and every world drawn is a legal one."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tool_gym.errors import GenerationError, UnknownNameError
from tool_gym.generators.calls import template
from tool_gym.generators.document import Catalogue
from tool_gym.generators.domain import FOLDER, Domain, domain_names, load_domain, read_domain
from tool_gym.generators.domain_rules import RESERVED
from tool_gym.generators.integrate import Interface
from tool_gym.generators.merges import ATOMIC, PLAIN, Merges
from tool_gym.generators.pools import shared_pools
from tool_gym.generators.seeding import stream
from tool_gym.generators.worlds import draw, sample_world
from tool_gym.runtime import InProcessRuntime
from tool_gym.tools import FAMILIES
from tool_gym.world import fold

ENERGY: dict[str, Any] = json.loads((FOLDER / "energy.json").read_text(encoding="utf-8"))
Edit = Callable[[dict[str, Any]], None]


def attribute(of: str, name: str, /, **changes: Any) -> Edit:
    return lambda domain: domain["entities"][of]["attributes"][name].update(changes)


def entity(name: str, /, **changes: Any) -> Edit:
    return lambda domain: domain["entities"][name].update(changes)


def booked(**changes: Any) -> Edit:
    return lambda domain: domain["entities"]["crew"]["availability"].update(changes)


def renamed(old: str, new: str) -> Edit:
    def edit(domain: dict[str, Any]) -> None:
        attributes = domain["entities"]["plant"]["attributes"]
        attributes[new] = attributes.pop(old)

    return edit


def drop(*path: str) -> Edit:
    def edit(domain: dict[str, Any]) -> None:
        for key in path[:-1]:
            domain = domain[key]
        del domain[path[-1]]

    return edit


CLOSED = {"planned": ["running"], "running": ["closed"], "paused": [], "closed": []}
SECOND_STATE = {"type": "state", "initial": "wind", "transitions": {"wind": [], "solar": [], "hydro": [], "gas": []}}
BROKEN: list[tuple[str, Edit]] = [
    (r"Field required \(at split\)", drop("split")),
    (r"Field required \(at entities.plant.prefix\)", drop("entities", "plant", "prefix")),
    (r"Extra inputs are not permitted \(at entities.plant.colour\)", entity("plant", colour="red")),
    (r"Input should be .* \(at entities.plant.attributes.capacity", attribute("plant", "capacity", type="float")),
    (r"plant.operator_id: leads to the unknown entity 'owner'", attribute("plant", "operator", entity="owner")),
    (r"plant.capacity: a ref, and nothing else, needs an entity", attribute("plant", "capacity", entity="crew")),
    (r"operator: prefix must be 1 to 6 capital letters .* not 'OP'", entity("plant", prefix="OP")),
    (r"plant: prefix must be .* not 'pl'", entity("plant", prefix="pl")),
    (r"plant: rows must be two numbers", entity("plant", rows=[5, 3])),
    (r"plant: rows must be .* from 1 to 2000", entity("plant", rows=[1, 20_000])),
    (r"plant: label needs either a pool or a code", entity("plant", label={})),
    (r"plant: the pool 'planets' does not exist", entity("plant", label={"pool": "planets"})),
    (r"engineer: the pool .nickname. has not enough", entity("engineer", rows=[1, 2000], label={"pool": "nickname"})),
    (r"plant.order: is a name tools use for themselves", renamed("capacity", "order")),
    (r"plant.Capacity: is a name tools use .* or no name at all", renamed("capacity", "Capacity")),
    (r"plant.capacity: a number needs low and high", attribute("plant", "capacity", low=10, high=5)),
    (r"plant.capacity: a number needs .* the smaller first; not None", attribute("plant", "capacity", low=None)),
    (r"plant.capacity: decimals must be 0 to 2, not 3", attribute("plant", "capacity", decimals=3)),
    (r"plant.capacity: the unit 'GW' is unknown", attribute("plant", "capacity", unit="GW")),
    (r"plant.licensed_on: a date needs low and high", attribute("plant", "licensed_on", low="1978-02-30")),
    (r"plant.licensed_on: only numbers can be writable", attribute("plant", "licensed_on", writable=True)),
    (r"plant.source: values must be two or more, all different", attribute("plant", "source", values=["wind"])),
    (r"plant.source: values must be two or more", attribute("plant", "source", values=["on_hold", "On hold"])),
    (r"plant.status: 'sold' is not among its values", attribute("plant", "status", cancel="sold")),
    (r"plant.status: a state needs an initial value", attribute("plant", "status", initial=None)),
    (r"plant.status: a state needs .* transitions for every value", attribute("plant", "status", transitions={})),
    (r"operator.headquarters: the pool 'planet' does not exist", attribute("operator", "headquarters", pool="planet")),
    (r"crew: availability: inspection.plant does not lead here", booked(ref="plant")),
    (r"crew: availability: inspection.cost is no date", booked(date="cost")),
    (r"crew: availability: blocking names states", booked(blocking=["x"])),
    (r"plant: attributes has more than one state", attribute("plant", "source", **SECOND_STATE)),
]  # fmt: skip


def write(tmp_path: Path, edit: Edit | None = None) -> Path:
    domain = copy.deepcopy(ENERGY)
    if edit is not None:
        edit(domain)
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(domain), encoding="utf-8")
    return path


def test_a_good_file_is_read(tmp_path: Path) -> None:
    assert read_domain(write(tmp_path)) == load_domain("energy")
    edit = attribute("plant", "status", transitions=CLOSED)
    assert read_domain(write(tmp_path, edit)).entities["plant"].columns["status"].transitions["paused"] == ()


@pytest.mark.parametrize(("message", "edit"), BROKEN, ids=[message for message, _ in BROKEN])
def test_what_is_wrong_is_named(message: str, edit: Edit, tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match=message) as error:
        read_domain(write(tmp_path, edit))
    assert "mine.json" in str(error.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match="cannot read the domain"):
        read_domain(tmp_path / "missing.json")
    (tmp_path / "torn.json").write_text('{"name": "en')
    with pytest.raises(GenerationError, match="is no domain"):
        read_domain(tmp_path / "torn.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(GenerationError, match="is no domain"):
        read_domain(tmp_path / "list.json")


@pytest.mark.parametrize("name", ["enrgy", "../domains/energy", "", "energy.json"])
def test_unknown_domains_are_not_looked_for_on_disk(name: str) -> None:
    with pytest.raises(UnknownNameError, match="no domain named"):
        load_domain(name)


@pytest.mark.parametrize("name", domain_names())
class TestEveryDomain:
    def test_has_its_file_name(self, name: str) -> None:
        assert load_domain(name).name == name

    def test_gives_legal_worlds_with_unique_names(self, name: str) -> None:
        for number in range(3):
            world = sample_world(load_domain(name), stream("worlds", name, number))
            world.check()
            names = [fold(row["name"]) for table in world.tables.values() for row in table.rows.values()]
            ids = [row for table in world.tables.values() for row in table.rows]
            assert len(set(names)) == len(names)
            assert len(set(ids)) == len(ids)
            for key, table in world.tables.items():
                low, high = load_domain(name).entities[key].rows
                assert low <= len(table.rows) <= high

    def test_gives_numbers_and_dates_within_bounds(self, name: str) -> None:
        world = sample_world(load_domain(name), stream("worlds", name))
        for table in world.tables.values():
            for column, spec in table.columns.items():
                if spec.low is not None and spec.high is not None:
                    assert all(spec.low <= row[column] <= spec.high for row in table.rows.values())

    def test_gives_references_evenly(self, name: str) -> None:
        """Half of all rows are dealt out in turn: no parent goes without children where there are enough."""
        domain = load_domain(name)
        world = sample_world(domain, stream("worlds", name))
        for child, column, parent in domain.groups:
            children = Counter(row[column] for row in world.tables[child].rows.values())
            dealt = len(world.tables[child].rows) // 2
            for row in list(world.tables[parent].rows)[: min(dealt, len(world.tables[parent].rows))]:
                assert children[row] >= dealt // len(world.tables[parent].rows)

    def test_gives_tools_of_every_kind_that_fit_its_worlds(self, name: str) -> None:
        domain = load_domain(name)
        world = sample_world(domain, stream("worlds", name))
        families = set()
        fuzzy = replace(PLAIN, finding="fuzzy", units="merged")
        for merges in (ATOMIC, PLAIN, fuzzy, Merges(records="merged", saving="upsert")):
            interface = Interface(Catalogue(domain, "prose-1"), merges)
            tools = {tool.name: tool for tool in map(interface.tool, interface.concepts)}
            InProcessRuntime(tuple(tools.values()), world)
            families |= {template(tool).family for tool in tools.values()}
        assert set(FAMILIES) - families <= {"check_availability", "measure", "choose_write"}


def test_equal_seeds_give_equal_worlds_and_others_do_not() -> None:
    domain: Domain = load_domain("museum")
    first, again, other = (sample_world(domain, stream("w", number)) for number in (1, 1, 2))
    assert first == again
    assert first.id != other.id


def test_drawn_values_are_all_different() -> None:
    for pool in ("person", "place", "city", "company"):
        drawn = draw(shared_pools("train")[pool], 200, stream(pool))
        assert len(set(drawn)) == 200


def test_streams_of_neighboring_paths_share_nothing() -> None:
    drawn = [stream(0, "train", index).random() for index in range(1000)]
    drawn += [stream(1, "train", index).random() for index in range(1000)]
    assert len(set(drawn)) == 2000
    assert stream("a", "b").random() != stream("ab").random()


def test_reserved_names_cover_what_tools_take() -> None:
    """A column of such a name would be taken for the tool's own argument."""
    own = {
        "id",
        "field",
        "operation",
        "order_by",
        "direction",
        "sort_by",
        "order",
        "limit",
        "page",
        "page_size",
        "type",
    }
    assert own <= RESERVED
