"""Answers that are JSON of a schema: negotiated, repaired within bounds, or given up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.errors import EndpointError
from tool_gym.llm.answers import CONSTRAINTS, PATCHES, SAMPLES, Constraint, Problem, ask_json, parse, probe
from tool_gym.llm.client import Client
from tool_gym.llm.fake import FakeEndpoint

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "rows": {"type": "integer", "minimum": 1}},
    "required": ["name", "rows"],
    "additionalProperties": False,
}
GOOD = {"name": "harbour", "rows": 7}


def good(body: dict[str, Any]) -> str:
    probing = "colour" in body["messages"][-1]["content"]
    return json.dumps({"colour": "teal"} if probing else GOOD)


def ask(fake: FakeEndpoint, **options: Any) -> Any:
    client = Client(fake.endpoint())
    return ask_json(
        client, [{"role": "user", "content": "A town?"}], SCHEMA, stage="t", version="1", constraint="text", **options
    )


class TestProbe:
    @pytest.mark.parametrize("number", range(len(CONSTRAINTS)))
    def test_the_strictest_that_is_known_is_taken(self, number: int) -> None:
        known = CONSTRAINTS[number:-1]
        with FakeEndpoint(good, constraints=known) as fake:
            assert probe(Client(fake.endpoint())) == (known[0] if known else "text")

    def test_an_endpoint_that_is_down_says_so(self) -> None:
        with FakeEndpoint(good, ("500",)) as fake, pytest.raises(EndpointError, match="status 500"):
            probe(Client(fake.endpoint(retries=0)))

    @pytest.mark.parametrize("constraint", CONSTRAINTS)
    def test_the_schema_travels_as_agreed(self, constraint: Constraint) -> None:
        with FakeEndpoint(good) as fake:
            client = Client(fake.endpoint())
            found = ask_json(client, [], SCHEMA, stage="t", version="1", constraint=constraint)
            assert found.value == GOOD
            sent = json.dumps({key: value for key, value in fake.requests[0].items() if key != "messages"})
            assert ("minimum" in sent) == (constraint in ("json_schema", "structured_outputs", "guided_json"))


class TestRepair:
    @pytest.mark.parametrize("trouble", ["malformed", "truncated", "refusing", "wrong"])
    def test_one_bad_answer_is_got_over(self, trouble: str) -> None:
        with FakeEndpoint(good, (trouble, "valid")) as fake:
            found = ask(fake)
            assert found.value == GOOD
            assert len(fake.requests) == 2

    def test_chatter_around_the_answer_is_no_trouble(self) -> None:
        with FakeEndpoint(good, ("fenced",)) as fake:
            assert ask(fake).value == GOOD
            assert len(fake.requests) == 1

    def test_what_was_wrong_is_sent_back(self) -> None:
        with FakeEndpoint(good, ("wrong", "valid")) as fake:
            assert ask(fake).repairs == 1
            sent = fake.requests[1]["messages"]
            assert sent[-2]["content"] == '{"something": "else"}'
            assert "schema" in sent[-1]["content"]

    def test_a_further_check_counts_as_much_as_the_schema(self) -> None:
        def no_harbours(value: Any) -> list[Problem]:
            return [Problem("/name", "another name", value["name"], "no harbour")] if value["name"] == "harbour" else []

        answers = iter([json.dumps(GOOD), json.dumps({"name": "mill", "rows": 2})])
        with FakeEndpoint(lambda _: next(answers)) as fake:
            assert ask(fake, check=no_harbours).value == {"name": "mill", "rows": 2}

    def test_what_stays_wrong_is_given_up_within_bounds(self) -> None:
        with FakeEndpoint(good, ("wrong",)) as fake:
            found = ask(fake)
            assert (found.value, found.is_good) == (None, False)
            assert found.problems[0].rule == "schema"
            assert len(fake.requests) == SAMPLES * (1 + PATCHES)

    def test_wasted_tokens_are_accounted_for(self) -> None:
        with FakeEndpoint(good, ("refusing", "wrong", "valid")) as fake:
            client = Client(fake.endpoint())
            ask_json(client, [], SCHEMA, stage="t", version="1", constraint="text")
            noted = client.ledger.stages["t"]
            assert noted["wasted: refused"] > 0
            assert noted["wasted: schema"] > 0


class TestParse:
    @given(st.text(max_size=300))
    def test_any_text_is_read_without_fuss(self, text: str) -> None:
        parse(text)

    @given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=8), min_size=1))
    def test_an_object_is_found_among_words(self, value: dict[str, Any]) -> None:
        assert parse(f"Here you are:\n```json\n{json.dumps(value)}\n```\nDone.") == value

    def test_a_huge_or_deep_answer_is_no_danger(self) -> None:
        parse("[" * 100_000)
        parse('{"a": ' * 50_000)
        parse("{" + '"x": 1, ' * 50_000)
