"""Stage E, localized deployment: a draft bound to its world becomes a scenario, its golds served by its own tools.

Every call of the plan is run through the public tools; what they serve becomes the gold of its sub-goal. (That
this agrees with the tables, read without any tool, is gate G3.)
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tool_gym.generators.decompose import Draft, RejectedError
from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import (
    Agg,
    Attr,
    Best,
    Calc,
    Convert,
    Days,
    Expression,
    Free,
    Higher,
    Percent,
    Top,
)
from tool_gym.generators.integrate import Interface
from tool_gym.generators.wording import question_of
from tool_gym.runtime import InProcessRuntime, Session
from tool_gym.scenario import (
    AnswerGoal,
    Binding,
    CellEffect,
    Goal,
    Parent,
    Plan,
    PlanStep,
    Reference,
    StateGoal,
    SubGoal,
    TemplateImpl,
    ToolSpec,
)
from tool_gym.turns import ToolCall, ToolResult
from tool_gym.values import (
    BooleanValue,
    DateValue,
    EnumValue,
    NameValue,
    NumberValue,
    SequenceValue,
    TextValue,
    Value,
)
from tool_gym.world import World

ROUNDED = 0.005
"""Largest tolerance of computed numbers: what rounding to two decimals may lose."""

RELATIVE = 0.001
"""Largest tolerance relative to the number, so that small ones cannot be rounded away."""

STAGE = "deploy"
"""Stands for the gate of a draft that this stage cannot carry out."""


class Deployed(NamedTuple):
    """A draft with everything its scenario needs."""

    sub_goals: tuple[SubGoal, ...]
    plan: Plan
    goals: tuple[Goal, ...]
    arguments: list[dict[str, Any]]
    """The family arguments of each call, references resolved."""


def deploy(draft: Draft, tools: list[ToolSpec], interface: Interface, world: World) -> Deployed:
    """Run the draft's calls through `tools` and return what they are to find out.

    Notes in the draft which sub-goal each call became, and the calls as they were made.

    Args:
        draft: The goal and its calls.
        tools: The public tool of each call.
        interface: Says which arguments those tools take.
        world: Where they run.

    Raises:
        RejectedError: If a call fails or serves nothing that can be asked for.
    """
    return _Deployment(draft, tools, interface, world).deployed()


class _Deployment:
    def __init__(self, draft: Draft, tools: list[ToolSpec], interface: Interface, world: World) -> None:
        self._draft = draft
        self._tools = tools
        self._interface = interface
        self._domain = interface.catalogue.domain
        self._world = world
        unique = {tool.name: tool for tool in tools}
        self._session: Session = InProcessRuntime(tuple(unique.values()), world).start()
        self._results: list[ToolResult] = []
        self._ids: list[str] = []
        self._sub_goals: dict[tuple[str, str], SubGoal] = {}
        self._steps: list[PlanStep] = []
        self._resolved: list[dict[str, Any]] = []

    def deployed(self) -> Deployed:
        for number in range(len(self._draft.calls)):
            self._deploy_call(number)
        sub_goals = tuple(self._sub_goals.values())
        self._draft.sub_goals = self._ids
        turns = self._draft.user_turns or (0,)
        goals = tuple(self._goal(turn) for turn in range(max(turns) + 1))
        return Deployed(sub_goals, Plan(steps=tuple(self._steps)), goals, self._resolved)

    def _deploy_call(self, number: int) -> None:
        call, tool = self._draft.calls[number], self._tools[number]
        values = dict(call.literals)
        for role, (source, path) in call.references.items():
            values[role] = _at(self._results[source].value, path)
        self._resolved.append(values)
        names = self._interface.arguments(tool, call)
        arguments = {name: values[role] for role, name in names.items()}
        result = self._session.call(tool.name, arguments)
        if not result.ok:
            raise RejectedError(STAGE, f"{call.concept[0]}: {result.outcome.label}")
        self._results.append(result)
        key = (tool.name, repr(sorted(arguments.items())))
        known = self._sub_goals.get(key)
        if known is not None:  # a record that was already read for another field
            if call.decided_by:
                raise RejectedError(STAGE, "a condition that one call settles and serves")
            self._ids.append(known.id)
            return
        self._draft.turns.append(ToolCall(tool.name, arguments))
        self._ids.append(f"s{len(self._sub_goals) + 1}")
        self._sub_goals[key] = self._sub_goal(number, arguments, result)
        references = {
            names[role]: Reference(sub_goal=self._ids[source], path=path)
            for role, (source, path) in call.references.items()
        }
        literals = {name: value for name, value in arguments.items() if name not in references}
        self._steps.append(PlanStep(sub_goal=self._ids[number], literals=literals, references=references))

    def _sub_goal(self, number: int, arguments: dict[str, Any], result: ToolResult) -> SubGoal:
        call, tool = self._draft.calls[number], self._tools[number]
        parents = {self._ids[source]: Parent(id=self._ids[source]) for source, _ in call.references.values()}
        for source in call.decided_by:
            decider = self._ids[source]
            parents.setdefault(decider, Parent(id=decider, kind="control"))
        common: dict[str, Any] = {
            "id": self._ids[number],
            "question": question_of(call.expression, self._domain, self._world),
            "tool": tool.name,
            "arguments": arguments,
            "parents": tuple(parents.values()),
            "user_turn": call.user_turn,
        }
        if result.effects:
            cells = (
                CellEffect(table=e.table, row=None if e.created else e.row, field=e.field, after=e.after)
                for e in result.effects
            )
            return SubGoal(**common, effects=tuple(cells))
        gold = _at(result.value, call.path)
        if gold is None:
            raise RejectedError(STAGE, "tie")
        return SubGoal(
            **common,
            binding=binding_of(tool, arguments, result.value, call.path),
            result_path=call.path,
            gold=typed(call.expression, gold, self._domain, as_id=True),
        )

    def _goal(self, user_turn: int) -> Goal:
        """Return what a user turn must come to."""
        turns = self._draft.user_turns or (0,) * len(self._draft.goal)
        outputs = [output for output, turn in zip(self._draft.outputs, turns, strict=True) if turn == user_turn]
        common: dict[str, Any] = {
            "id": f"g{user_turn + 1}",
            "user_turn": user_turn,
            "rests_on": tuple(dict.fromkeys(self._ids[number] for number, _ in outputs)),
        }
        effects = next(s.effects for s in self._sub_goals.values() if s.id == self._ids[outputs[-1][0]])
        if effects:
            return StateGoal(**common, required=effects)
        golds = tuple(
            typed(self._draft.calls[number].expression, _at(self._results[number].value, path), self._domain)
            for number, path in outputs
        )
        gold: Value = golds[0] if len(golds) == 1 else SequenceValue(items=golds)
        return AnswerGoal(**common, gold=gold)


def typed(expression: Expression, value: Any, domain: Domain, *, as_id: bool = False) -> Value:
    """Return a served value with the type its expression has.

    Args:
        expression: What was asked.
        value: What a tool served.
        domain: Gives the units.
        as_id: Whether an entity stands for its id rather than its name.
    """
    if isinstance(expression, Attr):
        return _cell(domain, expression.source.entity, expression.column, value)
    if isinstance(expression, Agg | Calc | Convert | Days | Percent):
        return _number(domain, expression, value)
    if isinstance(expression, Free):
        return BooleanValue(value=value)
    named = isinstance(expression, Top | Best | Higher) and not as_id
    return NameValue(value=value) if named else TextValue(value=value)


def binding_of(tool: ToolSpec, arguments: dict[str, Any], value: Any, path: tuple[str | int, ...]) -> Binding:
    """Return the question that the value at a path of a call's result answers.

    Args:
        tool: The tool called.
        arguments: Its public arguments.
        value: What it served.
        path: Where the wanted value stands.

    Raises:
        RejectedError: If it answers none.
    """
    impl = tool.impl
    if isinstance(impl, TemplateImpl):
        family, bindings = impl.bound
        for fact in family.facts(bindings, impl.translate(arguments), value):
            if fact.path == path:
                operation, entity, row, field, where, inputs = fact.key
                return Binding(operation=operation, entity=entity, row=row, field=field, filter=where, inputs=inputs)
    raise RejectedError(STAGE, f"{tool.name} serves no fact at {path}")


def _number(domain: Domain, expression: Agg | Calc | Convert | Days | Percent, value: Any) -> NumberValue:
    exact = isinstance(expression, Days) or (isinstance(expression, Agg) and expression.operation != "average")
    tolerance = 0.0 if exact else min(ROUNDED, abs(value) * RELATIVE)
    return NumberValue(value=value, unit=_unit_of(expression, domain), tolerance=tolerance)


def _cell(domain: Domain, entity: str, column: str, value: Any) -> Value:
    attribute = domain.entities[entity].columns.get(column)
    if attribute is None:
        return NameValue(value=value)
    if attribute.type in ("integer", "number"):
        return NumberValue(value=value, unit=attribute.unit)
    if attribute.type == "date":
        return DateValue(value=value)
    if attribute.type in ("enum", "state"):
        return EnumValue(value=value, allowed=attribute.values)
    return TextValue(value=value) if attribute.type == "ref" else NameValue(value=value)


def _unit_of(expression: Expression, domain: Domain) -> str | None:
    """Return the unit of a numeric expression; a ratio of like quantities has none."""
    if isinstance(expression, Convert):
        return expression.target
    if isinstance(expression, Percent):
        return _unit_of(expression.source, domain)
    if isinstance(expression, Calc):
        return None if expression.operation == "divide" else _unit_of(expression.first, domain)
    if isinstance(expression, Attr):
        return domain.attribute(expression.source.entity, expression.column).unit
    if isinstance(expression, Agg) and expression.column is not None:
        return domain.attribute(expression.entity, expression.column).unit
    return None


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    try:
        for part in path:
            value = value[part]
    except (KeyError, IndexError):
        raise RejectedError(STAGE, f"nothing at {path}") from None
    return value
