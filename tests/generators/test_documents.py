"""Documents: every style names and describes every tool of a domain truthfully, sufficiently and once."""

from __future__ import annotations

import re

import pytest

from tests.generators.building import interface_of, world_of
from tool_gym.errors import UnknownNameError
from tool_gym.generators.build import DEPTHS, SeedPath, Wish, build
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.document import Catalogue
from tool_gym.generators.document_kinds import KINDS
from tool_gym.generators.domain import domain_names, load_domain
from tool_gym.generators.marginals import REAL_PARAMETERS, ks_distance, marginals
from tool_gym.generators.merges import ATOMIC, Merges
from tool_gym.generators.plan import MIX
from tool_gym.generators.registers import Style, Title, article, registers, style_names
from tool_gym.generators.seeding import stream
from tool_gym.runtime import InProcessRuntime
from tool_gym.scenario import TemplateImpl, ToolSpec

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")
DOMAINS = domain_names()


def tools_of(domain: str, style: str, level: int) -> dict[int, ToolSpec]:
    interface = interface_of(domain, Merges.draw(stream(domain, style, level), level), style)
    return {id(tool): tool for tool in map(interface.tool, interface.concepts)}


@pytest.mark.parametrize("style", style_names())
@pytest.mark.parametrize("level", [0, 2, 4])
def test_every_style_documents_tools_that_run(style: str, level: int) -> None:
    domain = DOMAINS[(style_names().index(style) * 3 + level) % len(DOMAINS)]
    tools = tools_of(domain, style, level)
    InProcessRuntime(tuple(tools.values()), world_of(domain))  # names are unique, and every tool fits the world
    assert all(NAME.fullmatch(tool.name) for tool in tools.values())
    assert all(len(set(tool.parameters["properties"])) == len(tool.parameters["properties"]) for tool in tools.values())


@pytest.mark.parametrize("style", style_names())
def test_a_description_is_left_out_only_where_a_style_says_so_and_the_name_says_it_all(style: str) -> None:
    variant = Style(style, load_domain("energy")).variant
    for tool in tools_of("energy", style, 0).values():
        assert tool.description or (variant.silent and not variant.abbreviate)
        if not tool.description and isinstance(tool.impl, TemplateImpl) and tool.impl.family == "get":
            field = str(tool.impl.constants["field"])
            assert load_domain("energy").entities[next(iter(tool.impl.bindings["tables"]))].columns[field].unit is None
        for name, schema in tool.parameters["properties"].items():
            assert "{" not in schema.get("description", "")
            assert schema.get("description") or renamed(tool).get(name, name) in variant.bare
        assert "{" not in tool.description


def renamed(tool: ToolSpec) -> dict[str, str]:
    return tool.impl.renames if isinstance(tool.impl, TemplateImpl) else {}


@pytest.mark.parametrize("style", style_names())
@pytest.mark.parametrize("level", range(5))
def test_units_and_forms_of_dates_are_always_said(style: str, level: int) -> None:
    columns = {(e, c): a for e, spec in load_domain("energy").entities.items() for c, a in spec.columns.items()}
    asked = 0
    for tool in tools_of("energy", style, level).values():
        for entity, column in shown(tool):
            attribute = columns.get((entity, column))
            if attribute is not None and attribute.unit is not None:
                assert attribute.unit in said(tool), (tool.name, column)
                asked += 1
        taken = renamed(tool)
        for name, schema in tool.parameters["properties"].items():
            if taken.get(name, name) in ("date", "start", "end", "inspected_on"):
                assert "YYYY-MM-DD" in schema["description"]
    assert asked


def shown(tool: ToolSpec) -> list[tuple[str, str]]:
    """The columns whose cells, or figures made of them, a tool shows."""
    assert isinstance(tool.impl, TemplateImpl)
    bindings, constants = tool.impl.bindings, tool.impl.constants
    if tool.impl.family == "get":
        found = [(table, column) for table, fields in bindings["tables"].items() for column in fields]
    else:
        told = {"summarize": "fields", "compare": "fields", "search": "sort"}.get(tool.impl.family, "")
        found = [(bindings["table"], column) for column in bindings.get(told, ())]
    return [(table, column) for table, column in found if constants.get("field", column) == column]


def said(tool: ToolSpec) -> str:
    return f"{tool.description} {[schema.get('description') for schema in tool.parameters['properties'].values()]}"


def test_documents_are_made_once() -> None:
    catalogue = Catalogue(load_domain("energy"), "legacy-1")
    assert catalogue.document("find", "plant") is catalogue.document("find", "plant")
    assert catalogue.document("find", "plant") is not catalogue.document("find", "operator")


def test_every_kind_is_worded_in_every_register() -> None:
    wordings = [set(spec.documents) for spec in registers().values()]
    assert all(kinds == wordings[0] for kinds in wordings)
    roles = [set(spec.parameters) for spec in registers().values()]
    assert all(names == roles[0] for names in roles)
    assert {kind for kind in KINDS if kind not in ("any", "statistic_one")} <= wordings[0]


def test_registers_name_the_same_tool_in_their_own_ways() -> None:
    names = {
        style: Style(style, load_domain("energy")).title(Title("get", "plant", "build_cost")) for style in style_names()
    }
    assert names["prose-1"] == "get_plant_build_cost"
    assert names["terse-2"] == "fetchPlantBuildCost"
    assert names["openapi-1"] == "energy.plant.get_build_cost"
    assert names["legacy-1"] == "qry_plnt_bld_cost"
    assert len(set(names.values())) >= 9


def test_names_that_would_be_too_long_are_cut_and_stay_apart() -> None:
    style = Style("prose-1", load_domain("energy"))
    long = [style.title(Title("get", "plant", " ".join(["considerable"] * n))) for n in range(1, 40)]
    assert all(len(name) <= 64 for name in long)
    assert len(set(long)) == len(long)


def test_abbreviations_of_a_domain_are_all_different() -> None:
    for name in DOMAINS:
        style = Style("legacy-1", load_domain(name))
        assert len(set(style._short.values())) == len(style._short)
        assert all(len(short) <= len(word) for word, short in style._short.items())


def test_an_unknown_style_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="prose-1"):
        Style("prose-9", load_domain("energy"))


def test_articles() -> None:
    assert (article("inspection"), article("plant")) == ("an inspection", "a plant")


class TestMarginals:
    def test_counts_parameters_types_and_words(self) -> None:
        catalogue = Catalogue(load_domain("energy"), "prose-1")
        found = marginals([catalogue.document("find", "plant"), catalogue.document("days_between")] * 2)
        assert (found.tools, found.schemas, found.mean_parameters, found.required) == (4, 2, 1.5, 1.5)
        assert found.parameters == (0, 0.5, 0.5, 0, 0, 0, 0)
        assert found.types == {"string": 1.0}
        assert found.distance == pytest.approx(0.31)
        assert found.empty == 0

    def test_wants_a_tool(self) -> None:
        with pytest.raises(ValueError, match="at least one tool"):
            marginals([])

    def test_real_shares_are_shares(self) -> None:
        assert sum(REAL_PARAMETERS) == pytest.approx(1)
        assert ks_distance(REAL_PARAMETERS, REAL_PARAMETERS) == 0


def test_the_shipped_mix_has_about_as_many_parameters_as_real_tools_have() -> None:
    """Kolmogorov-Smirnov distance at most 0.2, one required parameter, nine words, give or take."""
    found = marginals(tool for number in range(60) for tool in shipped(number))
    assert found.distance <= 0.2
    assert found.required == 1
    assert 6 <= found.words <= 12
    assert 0 < found.empty <= 0.1


def shipped(number: int) -> tuple[ToolSpec, ...]:
    """The tools of one scenario of the mix."""
    domains, shapes = domain_names("train"), [shape for shape, share in MIX.items() for _ in range(share)]
    for attempt in range(100):
        shape = shapes[number * 7 % len(shapes)]
        path = SeedPath(3, "train", domains[number % len(domains)], number, number, attempt)
        try:
            return build(path, Wish(shape, DEPTHS[shape][attempt % len(DEPTHS[shape])])).scenario.tools
        except RejectedError:
            continue
    raise AssertionError(number)


def test_nothing_is_merged_in_the_most_atomic_interface() -> None:
    interface = interface_of("energy", ATOMIC)
    enums = [
        name
        for tool in map(interface.tool, interface.concepts)
        for name, schema in tool.parameters["properties"].items()
        if "enum" in schema
    ]
    assert set(enums) <= {"sort_by", "order", "source", "focus", "discipline", "status"}
