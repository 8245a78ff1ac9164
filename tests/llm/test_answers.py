"""Answers that are JSON of a schema: negotiated, repaired within bounds, or given up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.errors import EndpointError
from tool_gym.llm import patches
from tool_gym.llm.answers import CONSTRAINTS, PATCHES, SAMPLES, Constraint, ask_json, parse, probe
from tool_gym.llm.cache import ResponseCache
from tool_gym.llm.client import Client
from tool_gym.llm.fake import FakeEndpoint
from tool_gym.llm.problems import Problem, pointer

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "rows": {"type": "integer", "minimum": 1}},
    "required": ["name", "rows"],
    "additionalProperties": False,
}
PROBED = {"colour": "teal", "size": 7, "words": ["calm", "sea"]}
GOOD = {"name": "harbour", "rows": 7}


def good(body: dict[str, Any]) -> str:
    probing = "colour" in body["messages"][-1]["content"]
    return json.dumps(PROBED if probing else GOOD)


def patch(op: str, path: str, value: Any) -> str:
    return json.dumps({"patch": [{"op": op, "path": path, "value": value}]})


def every_place(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    below = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, item in below:
        yield from every_place(item, path + pointer(key))


def ask(fake: FakeEndpoint, **options: Any) -> Any:
    with Client(fake.endpoint()) as client:
        return ask_json(
            client,
            [{"role": "user", "content": "A town?"}],
            SCHEMA,
            stage="t",
            version="1",
            constraint="text",
            **options,
        )


class TestProbe:
    @pytest.mark.parametrize("number", range(len(CONSTRAINTS)))
    def test_the_strictest_that_is_known_is_taken(self, number: int) -> None:
        known = CONSTRAINTS[number:-1]
        with FakeEndpoint(good, constraints=known) as fake, Client(fake.endpoint()) as client:
            assert probe(client) == (known[0] if known else "text")

    def test_an_endpoint_that_is_down_says_so(self) -> None:
        with (
            FakeEndpoint(good, ("500",)) as fake,
            Client(fake.endpoint(retries=0)) as client,
            pytest.raises(EndpointError, match="status 500"),
        ):
            probe(client)

    @pytest.mark.parametrize("constraint", CONSTRAINTS)
    def test_the_schema_travels_as_agreed(self, constraint: Constraint) -> None:
        with FakeEndpoint(good) as fake, Client(fake.endpoint()) as client:
            found = ask_json(client, [], SCHEMA, stage="t", version="1", constraint=constraint)
            assert found.value == GOOD
            sent = json.dumps({key: value for key, value in fake.requests[0].items() if key != "messages"})
            assert ("minimum" in sent) == (constraint in ("json_schema", "structured_outputs", "guided_json"))

    def test_a_schema_that_is_too_much_is_asked_for_less_strictly(self, tmp_path: Path) -> None:
        class Small(FakeEndpoint):
            def deliver(self, body: dict[str, Any], key: str) -> tuple[int, dict[str, str], bytes]:
                found = super().deliver(body, key)
                too_much = "schema" in body.get("response_format", {}).get("type", "") or "guided_json" in body
                return (400, {}, b"schema too complex") if too_much else found

        given: dict[str, Any] = {"stage": "t", "version": "1", "constraint": "json_schema"}
        with Small(good) as fake, ResponseCache(tmp_path / "a.db", "record") as cache:
            endpoint = fake.endpoint()
            with Client(endpoint, cache=cache) as client:
                assert ask_json(client, [], SCHEMA, **given).value == GOOD
            assert "structured_outputs" in fake.requests[-1]
        with ResponseCache(tmp_path / "a.db", "replay") as cache, Client(endpoint, cache=cache) as client:
            assert ask_json(client, [], SCHEMA, **given).value == GOOD


class TestRepair:
    @pytest.mark.parametrize("trouble", ["truncated", "refusing", "malformed"])
    def test_where_there_is_nothing_to_mend_an_answer_is_drawn_anew(self, trouble: str) -> None:
        with FakeEndpoint(good, (trouble, "valid")) as fake:
            found = ask(fake)
            assert (found.value, found.repairs) == (GOOD, 0)
            assert len(fake.requests) == 2
            assert len(fake.requests[1]["messages"]) == len(fake.requests[0]["messages"])

    def test_chatter_around_the_answer_is_no_trouble(self) -> None:
        with FakeEndpoint(good, ("fenced",)) as fake:
            assert ask(fake).value == GOOD
            assert len(fake.requests) == 1

    def test_what_was_wrong_is_sent_back_and_patched(self) -> None:
        answers = iter(['{"name": "harbour", "rows": 0}', patch("replace", "/rows", 7)])
        with FakeEndpoint(lambda _: next(answers)) as fake:
            assert ask(fake).value == GOOD
            sent = fake.requests[1]["messages"]
            assert json.loads(sent[-2]["content"]) == {"name": "harbour", "rows": 0}
            assert '{"path":"/rows","rule":"minimum","got":"0","want":"1"}' in sent[-1]["content"]

    @pytest.mark.parametrize(
        "strange",
        [
            '{"patch": [{"op": "replace", "path": "/name", "value": "mill"}]}',
            '{"patch": [{"op": "move", "path": "/rows", "from": "/name"}]}',
            '{"patch": [{"op": "remove", "path": "/rows/0"}]}',
            '{"patch": [{"op": "replace", "path": "/rows"}]}',
            '{"rows": 7}',
            "[]",
        ],
        ids=["elsewhere", "another operation", "nothing there", "no value", "no patch", "a list"],
    )
    def test_a_patch_that_will_not_do_is_refused_and_said_so(self, strange: str) -> None:
        answers = iter(['{"name": "harbour", "rows": 0}', strange, patch("replace", "/rows", 7)])
        with FakeEndpoint(lambda _: next(answers)) as fake:
            found = ask(fake)
            assert (found.value, found.repairs) == (GOOD, 2)
            assert '"rule":"patch' in fake.requests[2]["messages"][-1]["content"]

    def test_a_further_check_counts_as_much_as_the_schema(self) -> None:
        def no_harbours(value: Any) -> list[Problem]:
            return [Problem("/name", "another name", value["name"], "no harbour")] if value["name"] == "harbour" else []

        answers = iter([json.dumps(GOOD), patch("replace", "/name", "mill")])
        with FakeEndpoint(lambda _: next(answers)) as fake:
            assert ask(fake, check=no_harbours).value == {"name": "mill", "rows": 7}

    def test_what_stays_wrong_is_given_up_within_bounds(self) -> None:
        with FakeEndpoint(good, ("wrong",)) as fake:
            found = ask(fake)
            assert (found.value, found.is_good) == (None, False)
            assert {problem.rule for problem in found.problems} >= {"missing", "unknown field"}
            assert len(fake.requests) == SAMPLES * (1 + PATCHES)
            assert len(found.texts) == SAMPLES

    def test_wasted_tokens_are_accounted_for(self) -> None:
        with (
            FakeEndpoint(good, ("refusing", "wrong", "wrong", "wrong", "valid")) as fake,
            Client(fake.endpoint()) as client,
        ):
            ask_json(client, [], SCHEMA, stage="t", version="1", constraint="text")
            noted = client.tally.stages["t"]
            assert noted["wasted: refused"] > 0
            assert noted["wasted: missing"] > 0
            assert noted["requests"] == 5


class TestPatches:
    @given(
        st.recursive(
            st.integers(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
        ),
        st.data(),
    )
    def test_replacing_what_is_there_changes_nothing_else(self, value: Any, data: st.DataObject) -> None:
        places = dict(every_place(value))
        path = data.draw(st.sampled_from(sorted(places)))
        same = patches.apply(value, [{"op": "replace", "path": path, "value": places[path]}], [path])
        assert same == value

    @given(st.lists(st.integers(), min_size=1, max_size=5), st.data())
    def test_adding_and_removing_undo_each_other(self, value: list[int], data: st.DataObject) -> None:
        path = f"/{data.draw(st.integers(0, len(value)))}"
        operations: list[dict[str, Any]] = [{"op": "add", "path": path, "value": 9}, {"op": "remove", "path": path}]
        assert patches.apply(value, operations[:1], [path]) != value
        assert patches.apply(value, operations, [path]) == value

    def test_a_name_that_only_begins_alike_is_another_place(self) -> None:
        with pytest.raises(patches.PatchError, match="was not named as wrong"):
            patches.apply({"ab": 1}, [{"op": "remove", "path": "/ab"}], ["/a"])


class TestParse:
    @given(st.text(max_size=300))
    def test_any_text_is_read_without_fuss(self, text: str) -> None:
        parse(text)

    @given(st.dictionaries(st.text(max_size=5), st.integers(-(2**63), 2**63) | st.text(max_size=8), min_size=1))
    def test_an_object_is_found_among_words(self, value: dict[str, Any]) -> None:
        assert parse(f"Here you are:\n```json\n{json.dumps(value)}\n```\nDone.") == value

    @pytest.mark.parametrize(
        "text",
        [
            "[" * 100_000,
            '{"a": ' * 50_000,
            '{"a": ' * 5_000,
            "{" + '"x": 1, ' * 50_000,
            '{"a": [' + "1," * 30_000 + "1]}",
        ],
        ids=["deep list", "deep object", "deep enough to mend", "endless object", "many values"],
    )
    def test_a_huge_or_deep_answer_is_none(self, text: str) -> None:
        assert parse(text) is None
