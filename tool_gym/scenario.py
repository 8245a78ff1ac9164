"""What a scenario is: the data model of everything an episode is made of and scored by.

A scenario says what the user wants, over which world, with which tools, and what doing it right means: an
explicit graph of sub-goals (one per call of the oracle), the goals that rest on them, and one or more minimal
plans. It is data: frozen, versioned, written as one line of JSON. Tool code never sees any of it but the tools.
"""

from __future__ import annotations

import hashlib
import re
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import orjson
from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer, model_validator

from tool_gym import consistency, jsonio, toolspec, unreadable
from tool_gym.errors import NoOracleError, ScenarioError
from tool_gym.implementation import PythonImpl as PythonImpl  # noqa: PLC0414 - part of the data model, so it is here too
from tool_gym.implementation import TemplateImpl as TemplateImpl  # noqa: PLC0414 - as above
from tool_gym.model import Kind, Model, plain, without_empty
from tool_gym.tools.base import FactKey, filter_key
from tool_gym.tools.codecs import Codec
from tool_gym.toolspec import ToolName
from tool_gym.toolspec import ToolSpec as ToolSpec  # noqa: PLC0414 - as above
from tool_gym.values import Scalar, Value
from tool_gym.world import World

SCHEMA_VERSION = 1
"""Version of this data model; a file of another version is refused, never guessed at."""

Shape: TypeAlias = Literal[
    "single_hop",
    "parallel_single_hop",
    "multi_hop",
    "parallel_multi_hop",
    "write",
    "read_then_write",
    "conditional",
    "multi_turn",
    "decline",
    "ask",
]
"""The first four are FTRL's (arXiv 2508.08791)."""

Identifier: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]

_NOT_CONTENT = (
    "id",
    "schema_version",
    "generator_version",
    "seed_path",
    "provenance",
    "licence",
    "difficulty",
    "certificate",
    "world_ref",
)

_LONG = ("sub_goals", "goals", "plans")
"""Fields whose writing is worth keeping."""

_OUTLIVING = ("content_id", "_parts")
"""What is computed of a scenario and holds whatever its certificate."""


class Binding(Model):
    """The question a sub-goal's call puts to the world, in the canonical form of `tool_gym.tools.base.Fact`."""

    operation: str
    entity: str | None = None
    row: str | None = None
    field: str | None = None
    filter: tuple[tuple[str, Scalar], ...] = ()
    inputs: tuple[Scalar, ...] = ()

    @cached_property
    def key(self) -> FactKey:
        """The binding as a key."""
        return (self.operation, self.entity, self.row, self.field, filter_key(dict(self.filter)), self.inputs)


class Parent(Model):
    """An edge of the hop graph."""

    id: Identifier
    """A sub-goal, or an ask goal whose reply is needed."""
    kind: Literal["data", "control"] = "data"
    """data: its value is an argument here. control: it decides that this call is made at all."""


class CellEffect(Model):
    """One cell a write leaves behind."""

    table: str
    row: str | None = None
    """Row id; None stands for a row the call creates."""
    field: str
    after: Scalar | None = None


class SubGoal(Model):
    """What one call of the oracle finds out or brings about."""

    id: Identifier
    question: str = ""
    tool: ToolName
    arguments: dict[str, Any] | None = None
    """The oracle's arguments, references resolved. None in imported records."""
    binding: Binding | None = None
    """None in imported records: a call to the tool that serves the gold then counts (value-only scoring)."""
    result_path: tuple[str | int, ...] = ()
    gold: Value | None = None
    """The value a read serves; None for a write."""
    effects: tuple[CellEffect, ...] = ()
    """The cells a write leaves behind; empty for a read."""
    parents: tuple[Parent, ...] = ()
    user_turn: int = Field(default=0, ge=0)
    """The user turn that asks for it; earlier it is a guess."""

    @model_validator(mode="after")
    def _gold_or_effects(self) -> SubGoal:
        if (self.gold is None) == (not self.effects):
            msg = f"sub-goal {self.id!r} needs either a gold value or effects"
            raise ValueError(msg)
        return self


class _Goal(Kind):
    id: Identifier
    user_turn: int = Field(default=0, ge=0)
    rests_on: tuple[Identifier, ...] = ()
    """Sub-goals that must be solved first; those that are not in a plan don't bind it."""


class AnswerGoal(_Goal):
    """The user turn must end with an answer that states `gold`."""

    kind: Literal["answer"] = "answer"
    gold: Value


class StateGoal(_Goal):
    """When the user turn ends, its net effects on the world must be `required`, and nothing beyond `allowed`."""

    kind: Literal["state"] = "state"
    required: tuple[CellEffect, ...] = Field(min_length=1)
    allowed: tuple[CellEffect, ...] = ()


class DeclineGoal(_Goal):
    """The user turn must end by declining: it cannot be done with these tools and this world."""

    kind: Literal["decline"] = "decline"
    reason: str


class AskGoal(_Goal):
    """The model must ask for something the user left out; the scripted user then replies."""

    kind: Literal["ask"] = "ask"
    slot: str
    keywords: tuple[Annotated[str, Field(pattern=r"\w")], ...] = Field(min_length=1)
    """A question is taken to ask for the slot if it has one of these words or phrases, case and plural aside."""
    reply: str

    @cached_property
    def _asked(self) -> re.Pattern[str]:
        words = "|".join(re.escape(keyword.casefold()) for keyword in self.keywords)
        return re.compile(rf"(?<!\w)(?:{words})(?:e?s)?(?!\w)")

    def is_asked_by(self, text: str) -> bool:
        """Return whether the question `text` asks for this slot."""
        return self._asked.search(text.casefold()) is not None


Goal: TypeAlias = Annotated[AnswerGoal | StateGoal | DeclineGoal | AskGoal, Field(discriminator="kind")]


class Reference(Model):
    """An argument taken from an earlier result of the plan."""

    sub_goal: Identifier
    path: tuple[str | int, ...]
    codec: Codec | None = None
    """The form the argument takes it in, where that is not as it was served."""

    brief: ClassVar[tuple[str, ...]] = ("codec",)

    @model_serializer(mode="wrap")
    def _brief(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_empty(write(self), self.brief)

    def argument(self, result: Any) -> Any:
        """Return the argument from the earlier call's result.

        Raises:
            LookupError, TypeError: If the result has nothing at `path`.
        """
        for part in self.path:
            result = result[part]
        return result if self.codec is None else self.codec.encode(result)


class PlanStep(Model):
    """One call of a plan."""

    sub_goal: Identifier
    literals: dict[str, Any] = Field(default_factory=dict)
    references: dict[str, Reference] = Field(default_factory=dict)


class Plan(Model):
    """A minimal way to solve the scenario, in an order its graph allows."""

    steps: tuple[PlanStep, ...]


class Fault(Model):
    """A transient fault: the first `times` valid calls to the tool fail and may be tried again at no cost."""

    tool: ToolName
    times: int = Field(ge=1, le=8)


class Scenario(Model):
    """One task: what the user says, the tools, and what doing it right means."""

    id: Identifier
    """Derived from the content; see `content_id`."""
    schema_version: int = SCHEMA_VERSION
    generator_version: str = ""
    seed_path: str = ""
    """The path of seeds that regenerates it."""
    provenance: str = ""
    licence: str = "Apache-2.0"
    domain: str
    shape: Shape
    user_turns: tuple[str, ...] = Field(min_length=1)
    """What the user says, in order; the next line comes whether or not the last act was right."""
    world_ref: str | None = None
    """Id of a world of the pack."""
    world: World | None = None
    """The world itself, where the scenario stands alone."""
    tools: tuple[ToolSpec, ...]
    sub_goals: tuple[SubGoal, ...] = ()
    goals: tuple[Goal, ...] = Field(min_length=1)
    plans: tuple[Plan, ...] = ()
    """Minimal plans; none in imported records, which then have no oracle."""
    faults: tuple[Fault, ...] = ()
    knobs: dict[str, Scalar] = Field(default_factory=dict)
    """Complexity vector asked for."""
    difficulty: dict[str, Scalar] = Field(default_factory=dict)
    """Complexity measured."""
    certificate: dict[str, Any] = Field(default_factory=dict)
    """What each gate found."""

    @cached_property
    def content_id(self) -> str:
        """The id this content should have: 16 hexadecimal digits."""
        instead: dict[str, Any] = {"world": self.world.id if self.world is not None else self.world_ref}
        try:
            instead["tools"] = [tool.kept(toolspec.content) for tool in self.tools]
            content = plain(self, defaults=True, left_out=_NOT_CONTENT, instead=instead)
            written = orjson.dumps(content, option=toolspec.SORTED)
        except TypeError:  # integers beyond 64 bits, say, which only the slower writer knows
            instead["tools"] = plain(self.tools, defaults=True)
            content = plain(self, defaults=True, left_out=_NOT_CONTENT, instead=instead)
            written = jsonio.dump_bytes(content, sort_keys=True)
        return hashlib.blake2b(written, digest_size=8).hexdigest()

    @cached_property
    def sub_goal_by_id(self) -> dict[str, SubGoal]:
        """Sub-goals by id."""
        return {sub_goal.id: sub_goal for sub_goal in self.sub_goals}

    @cached_property
    def tool_by_name(self) -> dict[str, ToolSpec]:
        """Tools by name."""
        return {tool.name: tool for tool in self.tools}

    @cached_property
    def derived(self) -> dict[object, Any]:
        """Room for what is computed from the scenario once, by whatever computes it; no part of its content."""
        return {}

    @property
    def depth(self) -> int:
        """Length of the longest chain of sub-goals, in calls; 0 where no call is needed."""
        levels: dict[str, int] = {}
        for sub_goal in self.sub_goals:
            levels[sub_goal.id] = 1 + max((levels.get(parent.id, 0) for parent in sub_goal.parents), default=0)
        return max(levels.values(), default=0)

    def oracle(self) -> Plan:
        """Return the first plan.

        Raises:
            NoOracleError: If the scenario carries none.
        """
        if not self.plans:
            msg = f"scenario {self.id} carries no plan, so it has no oracle (imported records have none)"
            raise NoOracleError(msg)
        return self.plans[0]

    def goals_of(self, user_turn: int) -> tuple[Goal, ...]:
        """Return the goals of one user turn."""
        return tuple(goal for goal in self.goals if goal.user_turn == user_turn)

    def with_id(self) -> Scenario:
        """Return the scenario under the id its content gives it."""
        named = self.model_copy(update={"id": self.content_id})
        named.__dict__["content_id"] = self.content_id  # the id is no part of the content
        return named

    def with_certificate(self, certificate: dict[str, Any]) -> Scenario:
        """Return the scenario with another certificate, which is no part of the content."""
        certified = self.model_copy(update={"certificate": certificate})
        certified.__dict__.update({name: self.__dict__[name] for name in _OUTLIVING if name in self.__dict__})
        return certified

    @cached_property
    def _parts(self) -> dict[str, Any]:
        """Fields that take long to write, as JSON; raises TypeError if only the slower writer could write one."""
        parts = {name: self.__dict__[name] for name in _LONG}
        return {
            name: orjson.Fragment(orjson.dumps(plain(part, defaults=False))) for name, part in parts.items() if part
        }

    def to_json(self) -> str:
        """Return the scenario as one line of JSON."""
        version = {"schema_version": SCHEMA_VERSION}
        try:
            instead = {"tools": [tool.kept(toolspec.written) for tool in self.tools], **self._parts}
            return orjson.dumps(plain(self, defaults=False, instead=instead) | version).decode()
        except TypeError:  # as for `content_id`
            return jsonio.dumps(plain(self, defaults=False) | version)

    def read_back(self) -> Scenario:
        """Write the scenario and read it again, as `from_json(to_json())`; tools that keep what they are, once each.

        Raises:
            VersionError, ScenarioError: As `from_json`.
        """
        try:
            line = orjson.dumps(plain(self, defaults=False, instead={"tools": [], **self._parts}))
            tools = [tool.kept(toolspec.read_back) for tool in self.tools]
            read = Scenario.model_validate({**orjson.loads(line), "tools": tools})
        except (TypeError, ValidationError):  # which is for `from_json` to read or explain
            return Scenario.from_json(self.to_json())
        is_new = self.schema_version == SCHEMA_VERSION and self.world is None and self.id == self.content_id
        return read if is_new else Scenario.from_json(self.to_json())

    @classmethod
    def from_json(cls, text: str | bytes, *, check_id: bool = True) -> Scenario:
        """Parse and check a scenario.

        Args:
            text: One JSON object.
            check_id: Whether the id must be the one its content gives.

        Raises:
            VersionError: If it was written for another schema version.
            ScenarioError: If it breaks the data model.
        """
        try:
            scenario = cls.model_validate_json(text)
        except ValidationError as error:
            explained = unreadable.explain(text, error, SCHEMA_VERSION)
            raise explained from None
        if scenario.schema_version != SCHEMA_VERSION:
            wrong = unreadable.wrong_version(scenario.schema_version, SCHEMA_VERSION)
            raise wrong
        if scenario.world is not None:
            scenario.world.check()
        if check_id and scenario.id != scenario.content_id:
            msg = f"scenario {scenario.id!r} was altered: its content gives the id {scenario.content_id!r}"
            raise ScenarioError(msg)
        return scenario

    @model_validator(mode="after")
    def _is_consistent(self) -> Scenario:
        consistency.check(self)
        return self


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Scenario.model_json_schema()}
