"""Plain questions for single calls: the documentation of a plan's hop graph."""

from __future__ import annotations

from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import (
    Agg,
    Attr,
    Best,
    ById,
    ByName,
    Calc,
    Cancel,
    Condition,
    Convert,
    Create,
    Days,
    Ent,
    Expression,
    Follow,
    Free,
    Higher,
    If,
    Percent,
    Said,
    Top,
    Transition,
    Update,
    Val,
)
from tool_gym.generators.wording.draft import is_person
from tool_gym.generators.wording.figures import operation_of
from tool_gym.generators.wording.lexicon import filtered, lexicon_of
from tool_gym.generators.wording.text import UNIT_NAMES, comparative, listing, number, superlative
from tool_gym.world import World

_OPERATIONS = {
    "add": "the sum of {a} and {b}",
    "subtract": "{a} minus {b}",
    "multiply": "{a} times {b}",
    "divide": "{a} divided by {b}",
    "days": "the number of days between {a} and {b}",
}
_STATISTICS = {"sum": "total", "average": "average"}


def question_of(expression: Expression, domain: Domain, world: World) -> str:
    """Return what the one call that serves `expression` finds out or does, in plain words.

    Rows and values found by calls before are taken up as "that …".
    """
    hop = _Hop(domain, world)
    if isinstance(expression, ByName | ById | Follow | Top | Best | Higher):
        text = hop.which(expression)
    elif isinstance(expression, Update | Transition | Cancel | Create):
        text = hop.order(expression)
    elif isinstance(expression, Condition | If):
        msg = f"no one call finds out {expression}"
        raise TypeError(msg)
    else:
        text = hop.what(expression)
    return text[0].upper() + text[1:]


class _Hop:
    def __init__(self, domain: Domain, world: World) -> None:
        self.domain = domain
        self.world = world
        self.words = lexicon_of(domain)

    def which(self, ent: Ent) -> str:
        entity = self.domain.entities[ent.entity]
        if isinstance(ent, ByName):
            return f"which {entity.noun} is called {self.name(ent)}?"
        if isinstance(ent, ById):
            return f"which {entity.noun} has the id {ent.row}?"
        if isinstance(ent, Follow):
            return self.followed(ent)
        attribute = entity.columns[ent.column]
        if isinstance(ent, Higher):
            pair = f"{self.row(ent.first)} and {self.row(ent.second, other=True)}"
            return f"which of {pair} has the {comparative(superlative(attribute, descending=True))} {attribute.noun}?"
        best = superlative(attribute, descending=ent.descending)
        if isinstance(ent, Best):
            rows = f"of the {self.plural(ent)}"
        else:
            rows = entity.noun if ent.parent is None else f"of {self.group(ent, entity.plural)}"
        return f"which {rows} has the {best} {attribute.noun}?"

    def followed(self, ent: Follow) -> str:
        attribute = self.domain.attribute(ent.source.entity, ent.column)
        target = self.domain.entities[ent.entity]
        form = self.words.first_form(ent.source.entity, ent.column)
        source = self.row(ent.source)
        if form.before == f"the {attribute.noun} of ":
            return f"which {attribute.noun} does {source} have?"
        if is_person(target):
            return f"who is {form.around(source)}?"
        return f"which {target.noun} is {form.around(source).replace(f'the {target.noun} ', 'the one ', 1)}?"

    def what(self, val: Val) -> str:
        if isinstance(val, Agg) and val.column is None:
            return f"how many {self.group(val, self.plural(val)).split(' ', 1)[1]} are there?"
        if isinstance(val, Free):
            return f"is {self.row(val.source)} free on {val.date}?"
        if isinstance(val, Days):
            first, second = self.sides(val)
            return f"how many days lie between {first} and {second}?"
        return f"what is {self.value(val)}?"

    def value(self, val: Val) -> str:
        if isinstance(val, Attr) and val.column == "name":
            return f"the name of {self.row(val.source)}"
        if isinstance(val, Attr):
            return self.words.first_form(val.source.entity, val.column).around(self.row(val.source))
        if isinstance(val, Agg):
            group = self.group(val, self.plural(val))
            if val.column is None:
                return f"the number of {group.split(' ', 1)[1]}"
            attribute = self.domain.attribute(val.entity, val.column)
            word = _STATISTICS.get(val.operation) or superlative(attribute, descending=val.operation == "maximum")
            return f"the {word} {attribute.noun} of {group}"
        if isinstance(val, Free):
            return f"whether {self.row(val.source)} is free on {val.date}"
        return str(val.value) if isinstance(val, Said) else self.computed(val)

    def computed(self, val: Calc | Convert | Days | Percent) -> str:
        if isinstance(val, Convert):
            return f"{self.value(val.source)} in {UNIT_NAMES.get(val.target, val.target)}"
        if isinstance(val, Percent):
            return f"{self.value(val.source)} times {val.factor}"
        first, second = self.sides(val)
        return _OPERATIONS[operation_of(val)].format(a=first, b=second)

    def sides(self, val: Calc | Days) -> tuple[str, str]:
        first, second = (
            "that result" if isinstance(v, Calc | Days) else self.value(v) for v in (val.first, val.second)
        )
        one, other = _found(val.first), _found(val.second)
        if one is not None and other is not None and one != other and one.entity == other.entity:
            return first.replace("that ", "the first ", 1), second.replace("that ", "the second ", 1)
        return first, second

    def order(self, act: Update | Transition | Cancel | Create) -> str:
        if isinstance(act, Create):
            return self.creation(act)
        attribute = self.domain.attribute(act.target.entity, act.column)
        target = self.row(act.target)
        if isinstance(act, Cancel):
            return f"{(attribute.cancel_verb or 'cancel {x}').replace('{x}', target)}."
        if isinstance(act, Transition):
            return f"set the {attribute.noun} of {target} to {act.value.replace('_', ' ')}."
        value = "that value"
        if not isinstance(act.value, Val):
            value = f"{number(act.value, attribute)}{f' {attribute.unit}' if attribute.unit else ''}"
        return f"set the {attribute.noun} of {target} to {value}."

    def creation(self, act: Create) -> str:
        entity = self.domain.entities[act.entity]
        parts = []
        for column, value in act.values:
            noun = "name" if column == "name" else entity.columns[column].noun
            parts.append(f"the {noun} {'found' if isinstance(value, Val) else value}")
        parts.extend(f"{self.row(ent)} as the {entity.columns[column].noun}" for column, ent in act.refs)
        return f"create a new {entity.noun} with {listing(parts)}." if parts else f"create a new {entity.noun}."

    def plural(self, group: Agg | Best) -> str:
        entity = self.domain.entities[group.entity]
        if group.filter is None:
            return entity.plural
        column, value = group.filter
        attribute = entity.columns[column]
        return filtered(attribute, attribute.filter[0], value, entity.plural)

    def group(self, group: Top | Agg, plural: str) -> str:
        if group.parent is None or group.by is None:
            return f"all {plural}"
        form = self.words.children[group.entity, group.by][0]
        return f"the {plural} {form.around(self.row(group.parent))}"

    def row(self, ent: Ent, *, other: bool = False) -> str:
        noun = self.domain.entities[ent.entity].noun
        if isinstance(ent, ByName):
            return f"the {noun} {self.name(ent)}"
        if isinstance(ent, ById):
            return f"the {noun} {ent.row}"
        return f"the other {noun}" if other else f"that {noun}"

    def name(self, ent: ByName) -> str:
        return str(self.world.tables[ent.entity].rows[ent.row]["name"])


def _found(val: Val) -> Ent | None:
    """Return the row a call before found, whose cell this is."""
    return val.source if isinstance(val, Attr) and not isinstance(val.source, ByName | ById) else None
