"""Reading conditional requests: the other way round of `conditions.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tool_gym.generators.expressions import Condition, If, Said
from tool_gym.generators.relations import Relation
from tool_gym.generators.wording.parse_acts import changed, set_to
from tool_gym.generators.wording.parse_chart import any_of, framed
from tool_gym.generators.wording.parse_questions import Do, Moves
from tool_gym.generators.wording.parse_refs import Figure, statistic
from tool_gym.generators.wording.parse_rows import Filled
from tool_gym.generators.wording.parse_values import free
from tool_gym.generators.wording.parse_words import Words, Written

_RELATIONS: tuple[Relation, ...] = ("more", "less", "least", "most", "same")


def _tested(relation: Relation) -> Any:
    def build(words: Words, got: Filled) -> Iterator[Condition]:
        first, second = got["v"], got["q"]
        said = words.said(first, second) if isinstance(second, Written) and not isinstance(first, Figure) else second
        if said is not None:
            yield Condition(relation, first, said)

    return build


def _counted(relation: Relation) -> Any:
    def build(_: Words, got: Filled) -> Iterator[Condition]:
        if got["q"].unit is None:
            yield Condition(relation, statistic(got["g"], "count", None), Said(got["q"].value))

    return build


def _is_free(words: Words, got: Filled) -> Iterator[Condition]:
    for term in free(words, got):
        yield Condition("same", term, Said(value=True))


def _rule(_: Words, got: Filled) -> Iterator[Moves]:
    yield (Do(If(got["c"], got["a"], got["b"])),)


for _relation in _RELATIONS:
    framed(f"test_{_relation}", f"test_{_relation}", {"v": "value", "q": "compared"}, _tested(_relation))
    if _relation != "same":
        for _kind, _build in (("date", _tested(_relation)), ("count", _counted(_relation))):
            slots = {"v": "value", "q": "compared" if _kind == "date" else "quantity", "g": "rows"}
            framed(f"test_{_kind}_{_relation}", f"test_{_kind}_{_relation}", slots, _build)
framed("test_free", "test_free", {"x": "ent", "d": "date"}, _is_free)
any_of("compared", "written", "value")
any_of(
    "test", "test_free", *(f"test_{relation}" for relation in _RELATIONS),
    *(f"test_{kind}_{relation}" for kind in ("date", "count") for relation in _RELATIONS if relation != "same"),
)  # fmt: skip
framed("told_value", "tell", {"v": "value"}, lambda _, got: [got["v"]])
framed("left", ("leave", "leave_first"), {"t": "told_value"}, lambda _, got: [got["t"]])
framed("set_it", ("set", "set_long"), {"v": "cell_it", "q": "quantity"}, set_to)
framed("raise_it", "raise", {"v": "cell_it", "q": "quantity"}, changed(1))
framed("lower_it", "lower", {"v": "cell_it", "q": "quantity"}, changed(-1))
any_of("branch", "told_value", "left", "deed", "made_at_once")
any_of("second_branch", "branch", "set_it", "raise_it", "lower_it")
framed("conditional", "conditional", {"c": "test", "a": "branch", "b": "second_branch"}, _rule)
