"""What `examine` finds in a domain file, and that the bundled ones are sound."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tool_gym.errors import GenerationError
from tool_gym.generators.domain import FOLDER, Domain, domain_names, load_domain, read_domain
from tool_gym.generators.domain_check import examine, longest_chain
from tool_gym.generators.domain_rules import Problem, problems
from tool_gym.generators.domain_trial import faults
from tool_gym.generators.registers import article

HOTELS: dict[str, Any] = json.loads((FOLDER / "hotels.json").read_text(encoding="utf-8"))
Edit = Callable[[dict[str, Any]], object]


def attribute(of: str, name: str, /, **changes: Any) -> Edit:
    return lambda domain: domain["entities"][of]["attributes"][name].update(changes)


def entity(name: str, /, **changes: Any) -> Edit:
    return lambda domain: domain["entities"][name].update(changes)


def without(of: str, name: str) -> Edit:
    return lambda domain: domain["entities"][of]["attributes"].pop(name)


def everywhere(**changes: Any) -> Edit:
    def edit(domain: dict[str, Any]) -> None:
        for found in domain["entities"].values():
            for column in found["attributes"].values():
                column.update({key: value for key, value in changes.items() if key in column})

    return edit


def examined(tmp_path: Path, edit: Edit | None = None, name: str = "hotels") -> list[Problem]:
    domain = copy.deepcopy(HOTELS)
    if edit is not None:
        edit(domain)
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(domain), encoding="utf-8")
    return examine(path)


ERRORS: list[tuple[str, str, str, Edit]] = [
    ("entities.room.rows", "format", "should be a valid tuple; found 40", entity("room", rows=40)),
    ("room", "rows", "rows must be two numbers", entity("room", rows=[9, 3])),
    ("pools.room", "words", "the word '' would not be read", lambda d: d["pools"]["room"]["parts"][0].append("")),
    ("group", "create", "a creatable entity needs a label with a code", entity("group", creatable=True)),
    ("room", "create", "creatable is false", entity("room", create=["take a room"])),
    ("stay.guest_id", "entity", "leads to its own entity", attribute("stay", "guest", entity="stay")),
    ("stay", "create", "must be a plain verb phrase", entity("stay", create=["book {x}"])),
    ("stay", "plural", "noun and plural are both 'stay'", entity("stay", plural="stay")),
    ("entities", "create", "none is creatable and has a state", entity("stay", creatable=False, create=[])),
    ("entities", "writable", "no number is writable", everywhere(writable=False)),
    ("entities", "chain", "is hotel → group", without("room", "hotel")),
    ("room.size", "noun", "'rate night', as night_rate is", attribute("room", "size", noun="rate night")),
    ("room.size", "noun", "'the total average size'", attribute("room", "size", noun="average size")),
    (
        "room.size",
        "forms",
        "must be a noun phrase that begins with 'the'",
        attribute("room", "size", forms=["{x}'s size"]),
    ),
    ("room.size", "forms", "must have {x} once", attribute("room", "size", forms=["the size of {y}"])),
    ("room.size", "forms", "brings its own 'the' or 'that'", attribute("room", "size", forms=["the size the {x} has"])),
    ("room.size", "forms", "says the same thing twice", attribute("room", "size", forms=["the size of {x}"] * 2)),
    (
        "room.size",
        "forms",
        "also names night_rate",
        attribute("room", "size", forms=["the night rate of {x}"]),
    ),
    ("room.size", "superlative", "'latest' and 'earliest'", attribute("room", "size", most="latest", least="earliest")),
    ("room.size", "superlative", "for a number use", attribute("room", "size", most="largest", least="lowest")),
    ("stay.arrives_on", "superlative", "for a date use", attribute("stay", "arrives_on", most="", least="")),
    ("room.outlook", "filter", "must have {value} and {plural} once", attribute("room", "outlook", filter=["{value}"])),
    ("room.outlook", "filter", "needs noun phrases", attribute("room", "outlook", filter=[])),
    (
        "room.outlook",
        "filter",
        "would come out with 'a inner'",
        attribute("room", "outlook", values=["sea", "inner"], filter=["{plural} with a {value} view"]),
    ),
    (
        "room.outlook",
        "values",
        "'guest' is also what",
        attribute("room", "outlook", values=["sea", "guest"]),
    ),
    ("stay.status", "cancel_verb", "needs a verb phrase", attribute("stay", "status", cancel_verb="")),
    ("pools.tree", "unused", "use it", lambda d: d["pools"].update(tree={"parts": [["Oak"]]})),
    ("name", "name", "the domain is called 'inns'", lambda d: d.update(name="inns")),
]
ADVICE: list[tuple[str, str, str, Edit]] = [
    ("room.size", "forms", "has 1 wordings; 3 or more", attribute("room", "size", forms=["the size of {x}"])),
    ("room.hotel_id", "children", "has 1 wordings", attribute("room", "hotel", children=["in {x}"])),
    ("room.size", "range", "has 50 values for up to 40 rows", attribute("room", "size", low=1, high=6)),
    ("stay.arrives_on", "range", "spans 9 days", attribute("stay", "arrives_on", low="2025-01-01", high="2025-01-10")),
    ("room.size", "noun", "let it be a singular", attribute("room", "size", noun="proportions")),
    ("room.size", "noun", "could be taken for the 'night rate'", attribute("room", "size", noun="rate")),
    ("room.outlook", "filter", "no phrase ends", attribute("room", "outlook", filter=["{plural} facing the {value}"])),
    ("room.size", "forms", "is put into longer phrases", attribute("room", "size", forms=["the size {x} has"] * 1)),
    ("entities", "availability", "nothing can be booked", lambda d: d["entities"]["room"].pop("availability")),
    ("entities", "cancel", "no state can be cancelled", attribute("stay", "status", cancel=None)),
]


def ids(cases: list[tuple[str, str, str, Edit]]) -> list[str]:
    return [f"{number}-{rule}-{message}" for number, (_, rule, message, _) in enumerate(cases)]


@pytest.mark.parametrize(("place", "rule", "message", "edit"), ERRORS, ids=ids(ERRORS))
def test_an_error_is_told_with_its_place_and_rule(
    place: str, rule: str, message: str, edit: Edit, tmp_path: Path
) -> None:
    found = examined(tmp_path, edit)
    assert any(p.error and (p.place, p.rule) == (place, rule) and message in p.message for p in found), found


@pytest.mark.parametrize(("place", "rule", "message", "edit"), ADVICE, ids=ids(ADVICE))
def test_advice_is_no_error(place: str, rule: str, message: str, edit: Edit, tmp_path: Path) -> None:
    found = examined(tmp_path, edit)
    assert any(not p.error and (p.place, p.rule) == (place, rule) and message in p.message for p in found), found
    assert not [problem for problem in found if problem.error]


def test_all_errors_of_the_format_are_told_at_once(tmp_path: Path) -> None:
    def edit(domain: dict[str, Any]) -> None:
        domain["entities"]["room"]["colour"] = "red"
        del domain["split"]

    assert {problem.place for problem in examined(tmp_path, edit)} == {"split", "entities.room.colour"}


def test_a_file_that_is_none_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "torn.json").write_text('{"name": "en')
    for name in ("torn.json", "missing.json"):
        (problem,) = examine(tmp_path / name)
        assert problem.error


def test_words_that_break_a_request_are_shown_with_it(tmp_path: Path) -> None:
    (problem,) = examined(tmp_path, attribute("room", "outlook", filter=["{value}  {plural}"]))
    assert problem.rule == "english"
    assert "two spaces" in problem.message


@pytest.mark.parametrize("name", domain_names())
def test_bundled_domains_are_sound(name: str) -> None:
    assert [str(problem) for problem in examine(FOLDER / f"{name}.json") if problem.error] == []


def test_domains_come_in_many_structures() -> None:
    """A schema of one form with other nouns would teach one plan."""
    drawings = set()
    for name in domain_names():
        domain = load_domain(name)
        order = list(domain.entities)
        drawings.add(tuple(sorted((order.index(child), order.index(parent)) for child, _, parent in domain.groups)))
    assert len(drawings) > len(domain_names()) / 2


def test_the_example_of_the_page_is_of_the_format() -> None:
    page = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```jsonc\n(.*?)```", page, re.DOTALL)
    domain = Domain.model_validate(json.loads(re.sub(r"\s+//.*", "", example)))
    loaves = Problem("order.loaf", "pool", "the pool 'bread' has not enough names (9 in this split) for 60 rows")
    assert list(problems(domain)) == [loaves]  # a page has no room for forty words


def test_the_longest_chain_follows_references() -> None:
    assert longest_chain(load_domain("hotels")) == ("stay", "room", "hotel", "group")


def test_a_domains_own_pool_takes_a_shared_ones_place() -> None:
    films = load_domain("cinemas")
    assert films.pool("title") == films.pools["title"]
    assert films.pool("person") is not None
    assert films.pool("no such pool") is None


def test_own_pools_are_checked_when_a_domain_is_read(tmp_path: Path) -> None:
    domain = copy.deepcopy(HOTELS)
    domain["pools"]["room"]["parts"][0] *= 2
    path = tmp_path / "hotels.json"
    path.write_text(json.dumps(domain), encoding="utf-8")
    with pytest.raises(GenerationError, match=r"pools.room: the name .* comes out twice"):
        read_domain(path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Give me {n}.", 1),
        ("Give me the price , please.", 1),
        ("Is it on_sale now?", 1),
        ("What is is that?", 1),
        ("I hear that that hotel is full.", 1),
        ("An new one. A old one.", 2),
        ("Result A and result B.", 0),
        ("An hour at a university, a one-way trip.", 0),
        ("Let A be 3.50 USD: \n- price: 4", 1),
    ],
)
def test_faults_of_english(text: str, found: int) -> None:
    assert len(list(faults(text))) == found


def test_articles_go_by_sound() -> None:
    assert [article(noun).split()[0] for noun in ("European", "unimportant note", "heirloom", "owl")] == [
        "a", "an", "an", "an",
    ]  # fmt: skip


def test_words_that_can_mean_two_things_are_found(tmp_path: Path) -> None:
    def edit(domain: dict[str, Any]) -> None:
        guest = ("the guest behind {x}", "the guest who booked {x}", "the person staying on {x}")
        forms = [f"the points balance of {text}" for text in guest]
        domain["entities"]["stay"]["attributes"]["minibar_bill"]["forms"] = forms

    told = [str(problem) for problem in examined(tmp_path, edit)]
    assert any("can mean two things" in problem and "loyalty point balance of [guest" in problem for problem in told)
