"""render_html: a page that says what happened and what it earned, and into which nobody can write but us."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialogue import hostile_texts, surrogates, turns
from tests.handmade import SCENARIOS, WORLD, call, calls, oracle_turns, play
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack, Task
from tool_gym.envs.render import changed_parts, figure
from tool_gym.envs.render_html import FOLDED_CHARS, MAX_CHARS, render_html
from tool_gym.rewards import SolveReward
from tool_gym.scenario import Scenario
from tool_gym.trajectory import Step
from tool_gym.turns import BrokenCall, Effect, Outcome, ToolResult, Turn, failed

VOID = {"meta"}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "details", "summary"),
    *("h1", "h2", "p", "small", "code", "b", "s", "span", "pre", "ul", "li", "dl", "dt", "dd", "table", "tr", "th"),
    "td",
}
ATTRIBUTES = {"lang", "charset", "name", "content", "http-equiv", "class", "tabindex", "scope"}
ATTACKS = [
    "</style><script>alert(1)</script>",
    '" onmouseover="alert(1)" x="',
    "'><img src=x onerror=alert(1)>",
    "</pre></details></main><iframe src=//x>",
    "<!-- ]]> --> &lt;b&gt; &#60;script&#62;",
    "\x00\x1b[2J\x9b31m\u202e\u2066\ufeff\ud800\udfff\uffff",
    "{title}{0}%s\\u003cscript\\u003e",
]


class Page(HTMLParser):
    """A page as it is read: its elements, what stands in which, and that each is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[str] = []
        self.classes: set[str] = set()
        self.texts: list[str] = []
        self.folded: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS
        assert {name for name, _ in attributes} <= ATTRIBUTES
        self.classes.update(word for name, value in attributes if name == "class" for word in str(value).split())
        self.elements.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "body" in self.open:
            (self.folded if "details" in self.open else self.texts).append(data)

    def handle_comment(self, data: str) -> None:
        pytest.fail(f"a comment: {data[:80]}")

    @property
    def text(self) -> str:
        return " ".join(" ".join([*self.texts, *self.folded]).split())


def page_of(name: str, made: list[Turn]) -> Page:
    scenario = SCENARIOS[name]
    steps = play(scenario, made).steps
    return Page(render_html(Task(scenario, WORLD), steps, SolveReward().start(scenario).parts()))


def shown(step: Step, scenario: Scenario = SCENARIOS["single_hop"]) -> Page:
    return Page(render_html(Task(scenario, WORLD), [step]))


CLASSES = page_of("write", []).classes | {"good", "bad", "odd", "mute", "badge", "label", "text", "call", "effect"}
CLASSES |= {"parts", "step", "user"}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_page_tells_the_whole_episode(name: str) -> None:
    scenario = SCENARIOS[name]
    made = oracle_turns(scenario) if scenario.plans else [Turn("Decline: no.")]
    text = page_of(name, made).text
    assert all(said in text for said in scenario.user_turns)
    assert all(f"{tool.name} ({', '.join(tool.parameters['properties'])})" in text for tool in scenario.tools)
    assert all(turn.text in text for turn in made)
    assert f"Step {len(made)} " in text
    assert f"Return {figure(1 if scenario.plans else 0)} after" in text


def test_an_environment_renders_its_page() -> None:
    scenario = SCENARIOS["multi_hop"]
    env = ToolUseEnv(MemoryPack([scenario], [WORLD]), dialect="structured", render_mode="html")
    env.reset(seed=0)
    made = oracle_turns(scenario)
    for turn in made:
        env.step(turn)
    page = env.render()
    assert page is not None
    assert Page(page).text == page_of("multi_hop", made).text


def test_an_episode_not_yet_begun_has_a_page_too() -> None:
    page = page_of("single_hop", [])
    assert SCENARIOS["single_hop"].user_turns[0] in page.text
    assert "0 steps, 0 calls" in page.text


def test_each_step_says_what_it_earned_and_which_parts_changed() -> None:
    made = [*oracle_turns(SCENARIOS["multi_hop"])[:1], calls(call("no_such_tool"))]
    text = page_of("multi_hop", made).text
    assert "Step 1 +0.333" in text
    assert "completeness 0 → 0.5 " in text
    assert "Step 2 -0.083" in text
    assert "charged 1 → 2" in text
    assert "needed 2 →" not in text


def test_without_the_parts_of_the_start_the_first_step_shows_values() -> None:
    scenario = SCENARIOS["multi_hop"]
    text = Page(render_html(Task(scenario, WORLD), play(scenario, oracle_turns(scenario)[:1]).steps)).text
    assert "completeness 0.5 " in text
    assert "→" not in text


@pytest.mark.parametrize("outcome", Outcome, ids=lambda outcome: outcome.label)
def test_each_kind_of_outcome_is_named(outcome: Outcome) -> None:
    result = ToolResult(outcome, 41) if outcome is Outcome.OK else failed(outcome, "what went wrong")
    text = shown(Step(calls(call("get_ship", ship_id="SH1")), (result,))).text
    assert f"result {outcome.label} {41 if outcome is Outcome.OK else 'what went wrong'}" in text


def test_calls_that_cannot_be_read_and_changes_are_shown() -> None:
    effects = (Effect("ship", "SH1", "crew", 20, 21), Effect("booking", "BK11", "state", None, "planned", created=True))
    step = Step(
        calls(BrokenCall("bad_json", "not JSON", '{"name": '), call("update_ship")),
        (failed(Outcome.MALFORMED_CALL, "not JSON"), ToolResult(Outcome.OK, {"updated": True}, "", effects)),
    )
    text = shown(step).text
    assert 'calls bad_json {"name":' in text
    assert "ship[SH1].crew: 20 → 21" in text
    assert 'new booking[BK11].state = "planned"' in text


def test_thinking_and_long_texts_are_folded_and_what_is_left_out_is_counted() -> None:
    step = Step(Turn("word " * MAX_CHARS, (), "I think."), (), 0, "short reply")
    page = shown(step)
    folded = "".join(page.folded)
    assert "I think." in folded
    assert f"{5 * MAX_CHARS:,} characters" in folded
    assert folded.count("word ") >= MAX_CHARS // 5
    assert f"({4 * MAX_CHARS:,} characters more)" in folded
    assert "short reply" in "".join(page.texts)
    assert sum(map(len, page.texts)) < FOLDED_CHARS


def test_a_long_page_stays_bounded() -> None:
    result = ToolResult(Outcome.OK, [{"text": "x" * 1_000_000}] * 3)
    step = Step(calls(call("get_ship", ship_id="y" * 60_000)), (result,))
    assert len(render_html(Task(SCENARIOS["single_hop"], WORLD), [step] * 4)) < 8 * 2 * MAX_CHARS


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_that_a_model_or_a_pack_wrote_becomes_part_of_the_page(attack: str) -> None:
    scenario = SCENARIOS["write"]
    tool = scenario.tools[0].model_copy(update={"name": attack, "description": attack})
    fields = {"id": attack, "domain": attack, "shape": attack, "user_turns": (attack,), "tools": (tool,)}
    effect = Effect(attack, attack, attack, attack, attack)
    made = Turn(attack, (call(attack, **{attack: attack}), BrokenCall(attack, attack, attack)), attack)
    results = (ToolResult(Outcome.OK, {attack: attack}, "", (effect,)), failed(Outcome.MALFORMED_CALL, attack))
    steps = [Step(made, results, 0, attack, 0.5, {attack: 1.0}), Step(Turn(attack * 200, (), attack * 200))]
    written = render_html(Task(scenario.model_copy(update=fields), WORLD), steps, {attack: 0.0})
    page = Page(written)
    assert page.classes <= CLASSES
    assert page.elements.count("style") == 1
    assert all(letter.isprintable() or letter in "\n\t\u200c\u200d" for letter in written)
    visible = " ".join(re.sub(r"[^ -~]", " ", attack).split()[:1])
    assert visible in page.text


@settings(max_examples=60)
@given(st.lists(turns | st.builds(Turn, hostile_texts, st.just(()), surrogates), max_size=4))
def test_any_turns_give_a_sound_page(made: list[Turn]) -> None:
    page = page_of("multi_turn", made)
    assert page.classes <= CLASSES
    page.text.encode()


def test_a_page_asks_for_nothing_from_elsewhere() -> None:
    scenario = SCENARIOS["multi_hop"]
    page = render_html(Task(scenario, WORLD), play(scenario, oracle_turns(scenario)).steps)
    assert "default-src 'none'" in page
    assert not re.search(r"https?:|src=|href=|url\(|@import|<script", page)


def test_every_rule_of_the_style_belongs_to_the_page() -> None:
    from tool_gym.envs.render_style import STYLE

    bare = re.sub(r"@media [^{]*\{", "", STYLE)
    selectors = [part for rule in re.findall(r"([^{}]+)\{[^{}]*\}", bare) for part in re.split(r",(?![^(]*\))", rule)]
    assert len(selectors) > 20
    assert all(one.strip().startswith((".tool-gym", "body:has(> main.tool-gym)")) for one in selectors)


def test_changes_are_told_apart_from_what_stayed() -> None:
    assert changed_parts({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 3.0, "c": 0.0}) == [("b", 2.0, 3.0), ("c", None, 0.0)]
    assert changed_parts(None, {"a": 0.0}) == [("a", None, 0.0)]


def test_a_figure_has_no_decimals_that_say_nothing() -> None:
    assert [figure(value) for value in (0.5, 100.0, -0.25, -0.0, 2 / 3)] == ["0.5", "100", "-0.25", "0", "0.667"]
