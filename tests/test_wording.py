import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

import pytest

from tool_gym import units
from tool_gym.generators import wording
from tool_gym.generators.domain import Domain, domain_names, load_domain
from tool_gym.generators.expressions import (
    Agg,
    Attr,
    Best,
    ById,
    ByName,
    Calc,
    Calendar,
    Cancel,
    Convert,
    Create,
    Days,
    Ent,
    Expression,
    Follow,
    Free,
    Higher,
    Top,
    Transition,
    Update,
    Val,
    walk,
)
from tool_gym.generators.seeding import stream
from tool_gym.generators.wording import Goal, question_of, realise
from tool_gym.generators.wording.text import UNIT_NAMES, frames
from tool_gym.generators.worlds import sample_world
from tool_gym.world import World

NUMBERS = ("integer", "number")
PER_DOMAIN = 150


class Sampler:
    """Goals of any shape over one world; they need not have an answer."""

    def __init__(self, domain: Domain, world: World, rng: random.Random) -> None:
        self.domain, self.world, self.rng = domain, world, rng

    def goal(self, depth: int) -> Goal:
        drawn = self.rng.random()
        if drawn < 0.55:
            return (self.value(depth),)
        if drawn < 0.65:
            return (self.row(self.kind(), depth),)
        if drawn < 0.8:
            return (self.act(depth),)
        return tuple(self.value(1 + depth // 3) for _ in range(self.rng.randint(2, 4)))

    def kind(self) -> str:
        return self.rng.choice(list(self.domain.entities))

    def label(self, kind: str) -> Ent:
        row = self.rng.choice(list(self.world.tables[kind].rows))
        return ById(kind, row) if self.rng.random() < 0.25 else ByName(kind, row)

    def row(self, kind: str, depth: int) -> Ent:
        if depth < 1:
            return self.label(kind)
        columns = self.domain.entities[kind].of_type(*NUMBERS, "date")
        options: list[Ent] = [Top(kind, self.rng.choice(columns), self.rng.random() < 0.5)]
        for column in self.domain.entities[kind].of_type("enum", "state"):
            category = column, self.rng.choice(self.domain.attribute(kind, column).values)
            options.append(Best(kind, self.rng.choice(columns), self.rng.random() < 0.5, category))
        for child, column, parent in self.domain.groups:
            if parent == kind:
                options.append(Follow(kind, column, self.row(child, depth - 1)))
            if child == kind:
                order = self.rng.choice(columns), self.rng.random() < 0.5
                options.append(Top(kind, *order, column, self.row(parent, depth - 1)))
        if self.rng.random() < 0.15:
            return Higher(kind, self.rng.choice(columns), self.row(kind, depth - 1), self.row(kind, 0))
        return self.rng.choice(options)

    def cell(self, depth: int, *types: str) -> Attr:
        while True:
            kind = self.kind()
            columns = self.domain.entities[kind].of_type(*types)
            if columns:
                return Attr(self.row(kind, depth - 1), self.rng.choice(columns))

    def statistic(self, depth: int) -> Agg:
        child, by, parent = self.rng.choice(self.domain.groups)
        entity = self.domain.entities[child]
        column = self.rng.choice((None, *entity.of_type(*NUMBERS)))
        operation = "count" if column is None else self.rng.choice(("sum", "average", "maximum", "minimum"))
        named = entity.of_type("enum", "state")
        wanted = None
        if named and self.rng.random() < 0.5:
            chosen = self.rng.choice(named)
            wanted = chosen, self.rng.choice(entity.columns[chosen].values)
        if self.rng.random() < 0.2:
            return Agg(child, operation, column, filter=wanted)
        return Agg(child, operation, column, by, self.row(parent, depth - 1), wanted)

    def figure(self, depth: int) -> Val:
        drawn = self.rng.random()
        if drawn < 0.5:
            return self.cell(depth, *NUMBERS)
        if drawn < 0.75:
            return self.statistic(depth)
        if drawn < 0.85 and depth > 1:
            return self.calculation(depth - 1)
        cell = self.cell(depth, *NUMBERS)
        unit = self.domain.attribute(cell.source.entity, cell.column).unit or ""
        partners = units.partners(unit)
        return Convert(cell, unit, self.rng.choice(partners)) if partners else cell

    def calculation(self, depth: int) -> Calc:
        operation = self.rng.choice(("add", "subtract", "multiply", "divide"))
        return Calc(operation, self.figure(depth), self.figure(depth))

    def value(self, depth: int) -> Val:
        drawn = self.rng.random()
        if drawn < 0.3:
            return self.cell(depth, *NUMBERS, "date", "enum", "text", "state")
        if drawn < 0.7:
            return self.figure(depth)
        if drawn < 0.85:
            return self.calculation(depth)
        if drawn < 0.95:
            return Days(self.cell(depth, "date"), self.cell(depth, "date"))
        return self.free(depth)

    def free(self, depth: int) -> Free:
        kind = next((key for key, entity in self.domain.entities.items() if entity.availability), self.kind())
        calendar = Calendar("bookings", "row_id", "date", None, ())
        return Free(self.row(kind, depth - 1), f"2025-0{self.rng.randint(1, 9)}-11", calendar)

    def act(self, depth: int) -> Expression:
        kind = self.rng.choice([key for key, entity in self.domain.entities.items() if entity.creatable])
        entity, target = self.domain.entities[kind], self.row(kind, depth - 1)
        model = self.rng.choice(list(self.world.tables[kind].rows.values()))
        drawn = self.rng.random()
        state = entity.state or ""
        if drawn < 0.25:
            return Transition(target, state, self.rng.choice(entity.columns[state].values))
        if drawn < 0.45:
            return Cancel(target, state, entity.columns[state].cancel or "")
        if drawn < 0.75:
            column = self.rng.choice([key for key, attribute in entity.columns.items() if attribute.writable])
            return Update(target, column, model[column])
        values = tuple((column, model[column]) for column in entity.of_type(*NUMBERS, "date", "enum", "text"))
        refs = tuple(
            (column, self.row(parent, self.rng.randint(0, depth - 1))) for column, parent in entity.refs.items()
        )
        return Create(kind, values, refs)


@cache
def world_of(name: str) -> World:
    return sample_world(load_domain(name), stream("wording", name))


def goals_of(name: str) -> Iterator[tuple[int, Goal]]:
    sampler = Sampler(load_domain(name), world_of(name), stream("goals", name))
    for i in range(PER_DOMAIN):
        yield i, sampler.goal(1 + i % 5)


@cache
def texts_of(name: str) -> tuple[tuple[Goal, str], ...]:
    domain, world = load_domain(name), world_of(name)
    return tuple((goal, realise(goal, domain, world, stream(name, i))) for i, goal in goals_of(name))


def anchors(goal: Goal, world: World) -> Iterator[str]:
    for part in (part for expression in goal for part in walk(expression)):
        if isinstance(part, ByName):
            yield world.tables[part.entity].rows[part.row]["name"]
        elif isinstance(part, ById):
            yield part.row
        elif isinstance(part, Free):
            yield part.date
        elif isinstance(part, Agg | Best) and part.filter is not None:
            yield part.filter[1].replace("_", " ")
        elif isinstance(part, Update):
            yield str(part.value)
        elif isinstance(part, Transition):
            yield part.value.replace("_", " ")
        elif isinstance(part, Create):
            yield from (str(value) for _, value in part.values)


every_domain = pytest.mark.parametrize("name", domain_names())


@every_domain
def test_a_text_names_everything_the_plan_needs(name: str) -> None:
    for goal, text in texts_of(name):
        for anchor in anchors(goal, world_of(name)):
            assert re.search(rf"(?<![\w.]){re.escape(anchor)}(?![\w]|\.\d)", text), (anchor, text)


@every_domain
def test_a_text_names_no_other_row(name: str) -> None:
    names = [str(row["name"]) for table in world_of(name).tables.values() for row in table.rows.values()]
    ids = [row_id for table in world_of(name).tables.values() for row_id in table.rows]
    for goal, text in texts_of(name):
        said = set(anchors(goal, world_of(name)))
        assert [x for x in (*names, *ids) if x in text and x not in said] == [], text


@every_domain
def test_every_number_in_a_text_is_the_goals_or_an_enumeration(name: str) -> None:
    for goal, text in texts_of(name):
        rest = text
        for anchor in sorted(anchors(goal, world_of(name)), key=len, reverse=True):
            rest = rest.replace(anchor, "")
        rest = re.sub(r"(?m)^\(?\d[.)] | \(\d\) ", " ", rest)
        kinds = "|".join((*frames()["figure_nouns"], *frames()["date_nouns"]))
        rest = re.sub(rf"(?i)\b({kinds}) [12]\b", "", rest)
        rest = re.sub(r"\b(m2|ft2)\b", "", rest)
        assert not re.search(r"\d", rest), text


@every_domain
def test_a_conversion_names_its_unit(name: str) -> None:
    for goal, text in texts_of(name):
        for part in (part for expression in goal for part in walk(expression) if isinstance(part, Convert)):
            assert re.search(rf"\b({part.target}|{UNIT_NAMES[part.target]})\b", text), text


@every_domain
def test_texts_are_clean(name: str) -> None:
    for _, text in texts_of(name):
        assert not re.search(r"[{}<>_]|  | [.,;:?!)]|\( |\.\.|[,;:][.?]", text), text
        assert not re.search(r"\b(the the|of of|a a|and and|its the|that that)\b", text), text
        assert not re.search(r"(?:^|[.?!] |\n)[a-z]", text), text
        assert re.search(r"[.?!]$|\n- [^\n]+$", text), text


@every_domain
def test_indefinite_articles_fit(name: str) -> None:
    for _, text in texts_of(name):
        assert not re.search(r"\ba [aeiou]|\ban [^aeioh]", text), text


@every_domain
def test_no_superlative_hangs_on_a_row_it_is_not_about(name: str) -> None:
    nouns = "|".join(re.escape(entity.noun) for entity in load_domain(name).entities.values())
    for _, text in texts_of(name):
        assert not re.search(rf"\b(that|this) ({nouns}) (with|having|showing|that has) the ", text), text
        assert not re.search(r"\bin question (with|having|showing|that has) the ", text), text


def test_a_long_chain_takes_several_sentences() -> None:
    domain, world = load_domain("energy"), world_of("energy")
    inspection = ByName("inspection", next(iter(world.tables["inspection"].rows)))
    operator = Follow("operator", "operator_id", Follow("plant", "plant_id", inspection))
    goal = (Attr(Follow("engineer", "chief_engineer_id", operator), "annual_salary"),)
    for i in range(100):
        text = realise(goal, domain, world, stream("long", i))
        assert len(re.findall(r"[.?!:](?= |$)|, then| and [a-z]+ (?=me|the|his|their|out|that)", text)) > 1, text


@every_domain
def test_equal_streams_give_equal_texts(name: str) -> None:
    domain, world = load_domain(name), world_of(name)
    again = [realise(goal, domain, world, stream(name, i)) for i, goal in goals_of(name)]
    assert again == [text for _, text in texts_of(name)]


def test_texts_do_not_depend_on_the_hash_seed() -> None:
    code = (
        "import random, hashlib; from tool_gym.generators.domain import load_domain;"
        "from tool_gym.generators.worlds import sample_world; from tool_gym.generators.wording import realise;"
        "from tool_gym.generators.expressions import *; d = load_domain('energy'); r = random.Random(1);"
        "w = sample_world(d, r); o = next(iter(w.tables['operator'].rows));"
        "g = (Attr(Top('plant', 'capacity', True, 'operator_id', ByName('operator', o)), 'build_cost'),);"
        "print(hashlib.sha256('|'.join(realise(g, d, w, r) for _ in range(200)).encode()).hexdigest())"
    )
    outputs = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_texts_vary() -> None:
    domain, world = load_domain("energy"), world_of("energy")
    operator = next(iter(world.tables["operator"].rows))
    goal = (
        Attr(
            Top("plant", "capacity", descending=True, by="operator_id", parent=ByName("operator", operator)),
            "build_cost",
        ),
    )
    assert len({realise(goal, domain, world, stream("vary", i)) for i in range(200)}) > 150


@every_domain
def test_several_questions_keep_their_order(name: str) -> None:
    domain, world = load_domain(name), world_of(name)
    sampler = Sampler(domain, world, stream("order", name))
    for i in range(60):
        kind = sampler.kind()
        rows = sampler.rng.sample(list(world.tables[kind].rows), 3)
        columns = domain.entities[kind].of_type(*NUMBERS)
        same = sampler.rng.choice(columns)
        goal = tuple(Attr(ByName(kind, row), same if i % 2 else sampler.rng.choice(columns)) for row in rows)
        text = realise(goal, domain, world, stream("order", name, i))
        places = [text.index(world.tables[kind].rows[row]["name"]) for row in rows]
        assert places == sorted(places), text
        assert re.search(
            r"(?i)order|sequence|each of these in turn|one after the other|first, .*(then|second), ", text
        ), text


@every_domain
def test_several_attributes_of_a_row_keep_their_order(name: str) -> None:
    domain, world = load_domain(name), world_of(name)
    for kind, entity in domain.entities.items():
        columns = list(entity.of_type(*NUMBERS, "date"))
        row = next(iter(world.tables[kind].rows))
        text = realise(tuple(Attr(ByName(kind, row), column) for column in columns), domain, world, stream(0, kind))
        nouns = [entity.columns[column].noun for column in columns]
        if all(text.count(noun) == 1 for noun in nouns):
            assert [text.index(noun) for noun in nouns] == sorted(text.index(noun) for noun in nouns)


@pytest.mark.parametrize("text", [*frames()["subtract"], *frames()["inline"]["subtract"]])
def test_a_subtraction_says_what_is_taken_from_what(text: str) -> None:
    ways = r"a (minus|less) b|(subtract|deduct|subtracting) b from a|b (is subtracted|deducted) from a"
    assert re.search(rf"\b({ways}|take b away from a|reduce a by b)\b", text.format(a="a", b="b"))


@pytest.mark.parametrize("text", [*frames()["divide"], *frames()["inline"]["divide"]])
def test_a_division_says_what_is_divided_by_what(text: str) -> None:
    ways = r"a divided by b|divid(e|ing) a by b|ratio of a to b|quotient of a and b, in that order"
    assert re.search(rf"\b({ways})\b", text.format(a="a", b="b"))


def test_slots_of_frames_have_fillings() -> None:
    used = set(re.findall(r"<(\w+)>", str({key: value for key, value in frames().items() if key != "slots"})))
    assert used == set(frames()["slots"])


@every_domain
def test_questions_of_hops_are_plain(name: str) -> None:
    domain, world = load_domain(name), world_of(name)
    for goal, _ in texts_of(name):
        for part in (part for expression in goal for part in walk(expression)):
            text = question_of(part, domain, world)
            assert text == question_of(part, domain, world)
            assert re.fullmatch(r"[A-Z][^{}<>\n]+[^ ][.?]", text), text
            assert text.endswith("." if isinstance(part, Update | Transition | Cancel | Create) else "?")
            assert "  " not in text


def test_questions_of_hops_read_as_expected() -> None:
    domain, world = load_domain("energy"), world_of("energy")
    plant, row = next(iter(world.tables["plant"].rows.items()))
    crew = next(iter(world.tables["crew"].rows))
    named = ByName("plant", plant)
    operator = Follow("operator", "operator_id", named)
    best = Top("plant", "capacity", descending=True, by="operator_id", parent=operator)
    count = Agg("plant", "count", None, "operator_id", operator, ("source", "wind"))
    asked: dict[Expression, str] = {
        named: f"Which power plant is called {row['name']}?",
        ById("plant", plant): f"Which power plant has the id {plant}?",
        operator: f"Which operator does the power plant {row['name']} have?",
        best: "Which of the power plants run by that operator has the largest capacity?",
        Best("plant", "capacity", descending=False, filter=("source", "wind")): (
            "Which of the wind power plants has the smallest capacity?"
        ),
        Free(ByName("crew", crew), "2025-03-04", Calendar("inspection", "crew_id", "inspected_on", "status", ())): (
            f"Is the inspection crew {world.tables['crew'].rows[crew]['name']} free on 2025-03-04?"
        ),
        Attr(best, "build_cost"): "What is the build cost of that power plant?",
        count: "How many wind power plants run by that operator are there?",
        Convert(Attr(best, "capacity"), "MW", "kW"): "What is the capacity of that power plant in kilowatts?",
        Calc("subtract", Attr(best, "build_cost"), Attr(Top("plant", "capacity", descending=False), "build_cost")): (
            "What is the build cost of the first power plant minus the build cost of the second power plant?"
        ),
        Update(named, "build_cost", 5): f"Set the build cost of the power plant {row['name']} to 5 USD.",
    }
    assert {expression: question_of(expression, domain, world) for expression in asked} == asked


def test_public_names() -> None:
    assert wording.__all__ == sorted(wording.__all__)
