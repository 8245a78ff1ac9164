"""Faults that show only beside something else: a pack's other scenarios, the same one built again, the tools merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from tests.generators.building import built, named, world_of
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import compile_goal
from tool_gym.generators.deploy import deploy
from tool_gym.generators.document import Catalogue
from tool_gym.generators.domain import load_domain
from tool_gym.generators.expressions import Agg, Attr, Calc
from tool_gym.generators.gates import g13_determinism, g14_duplicates
from tool_gym.generators.integrate import Interface
from tool_gym.generators.merge_proof import STAGE, prove_merge
from tool_gym.generators.merges import ATOMIC
from tool_gym.generators.routes import Route

Run = Callable[[], object]


class Fault(NamedTuple):
    """A fault of a pack."""

    gate: str
    good: Run
    """Must pass."""
    bad: Run
    """Must raise."""


faults: dict[str, Callable[[], Fault]] = {}


def fault(make: Callable[[], Fault]) -> Callable[[], Fault]:
    """Register a function under its name."""
    faults[make.__name__] = make
    return make


# --- built again -----------------------------------------------------------------------------------------------------


def _again(**changes: Any) -> Fault:
    scenario = built("energy", "multi_hop").scenario
    line, other = scenario.to_json(), scenario.model_copy(update=changes).with_id().to_json()
    return Fault(
        g13_determinism.GATE,
        lambda: g13_determinism.check("0/train", line, line),
        lambda: g13_determinism.check("0/train", line, other),
    )


@fault
def other_words_when_built_again() -> Fault:
    return _again(user_turns=("Something else?",))


@fault
def tools_in_another_order_when_built_again() -> Fault:
    return _again(tools=built("energy", "multi_hop").scenario.tools[::-1])


@fault
def another_certificate_when_built_again() -> Fault:
    return _again(certificate={"G8": {"rounds": 9, "tried": 9}})


# --- twice in a pack -------------------------------------------------------------------------------------------------

_ELSE = "Quite another text about nothing in particular, as far as one can see."
_LONG = (
    "Could you tell me the capacity of the power plant Amber Ridge Station, please, because I need it for the yearly "
    "report on 2024-03-01 with 12 pages?"
)


def _twice(first: tuple[Candidate, str], second: tuple[Candidate, str]) -> Fault:
    def register(*entries: tuple[Candidate, str]) -> None:
        pack = g14_duplicates.Register()
        for candidate, text in entries:
            pack.check(g14_duplicates.fingerprint(candidate, text))

    return Fault(g14_duplicates.GATE, lambda: register(first), lambda: register(first, second))


@fault
def same_goal_in_other_words() -> Fault:
    candidate = built("energy", "multi_hop")
    return _twice((candidate, candidate.scenario.user_turns[0]), (candidate, _ELSE))


@fault
def same_questions_in_another_order() -> Fault:
    candidate = built("energy", "parallel_single_hop")
    turned = replace(candidate, draft=replace(candidate.draft, goal=candidate.draft.goal[::-1]))
    return _twice((candidate, candidate.scenario.user_turns[0]), (turned, _ELSE))


@fault
def same_words_about_another_date_and_number() -> Fault:
    other = _LONG.replace("2024-03-01", "2025-11-30").replace("12 pages", "15 pages")
    return _twice((built("energy", "multi_hop"), _LONG), (built("energy", "single_hop"), other))


# --- tools merged ----------------------------------------------------------------------------------------------------


def _merged(concept: tuple[Any, ...], change: Callable[[Interface, Route], Route]) -> Fault:
    """A plan through merged tools, one of its calls led astray."""
    world = world_of("energy")
    plant = named(world, "plant")
    cost = Calc("divide", Attr(plant, "build_cost"), Agg("plant", "maximum", "capacity"))
    draft = compile_goal((cost,), world)

    def run(*, spoilt: bool) -> None:
        merges = replace(ATOMIC, getters="by_field", statistics="merged")
        interface = Interface(Catalogue(load_domain("energy"), "prose-1"), merges)
        changed, tools = interface.integrate(draft)
        arguments = deploy(changed, tools, interface, world).arguments
        if spoilt:
            interface._routes[concept] = change(interface, interface.route(concept))
        prove_merge(interface, draft, arguments, world)

    return Fault(STAGE, lambda: run(spoilt=False), lambda: run(spoilt=True))


@fault
def merged_tool_of_another_column() -> Fault:
    return _merged(
        ("get", "plant", "build_cost"),
        lambda interface, route: route._replace(tool=interface.catalogue.document("get_field", "plant", "capacity")),
    )


@fault
def merged_tool_told_to_do_something_else() -> Fault:
    return _merged(
        ("summarize", "plant", None, "maximum", "capacity", None),
        lambda _, route: route._replace(implied={"operation": "minimum"}),
    )


@fault
def merged_tool_whose_value_stands_elsewhere() -> Fault:
    return _merged(("get", "plant", "build_cost"), lambda _, route: route._replace(paths={("build_cost",): ("id",)}))
