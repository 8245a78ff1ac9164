"""`tool-gym play`: what is shown, that doubt costs nothing, and what is written down."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD, call, calls, oracle_turns
from tool_gym import jsonio
from tool_gym.cli import main
from tool_gym.cli.play_hint import next_turn, planned_steps
from tool_gym.cli.play_input import COMMANDS, Draft, read_line
from tool_gym.cli.play_view import turn as typed
from tool_gym.dialects import get_dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack
from tool_gym.envs.pack_writer import write_pack
from tool_gym.trajectory import Trajectory, read_trajectories
from tool_gym.turns import Turn

ROOT = Path(__file__).resolve().parent.parent
TOOLS = SCENARIOS["multi_hop"].tools
FIRST = 'get_ship(ship_id="SH1", field="owner_id")'
SECOND = '4 {"owner_id": "OW2", "field": "home_port"}'
HERMES = get_dialect("hermes")


class Played(NamedTuple):
    status: int
    out: str
    err: str


class Terminal(io.StringIO):
    """Typed lines that claim to come from a terminal."""

    def isatty(self) -> bool:
        return True


Play = Callable[..., Played]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "hand"
    both = [("test", scenario) for scenario in SCENARIOS.values()]
    write_pack(folder, both, [WORLD], id="hand", version="1.0.0", licence="Apache-2.0")
    return folder


@pytest.fixture
def play(suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Play:
    """Return a function that plays a scenario by lines."""

    def played(name: str, *lines: str, options: Sequence[object] = (), terminal: bool = False) -> Played:
        text = "".join(f"{line}\n" for line in lines)
        monkeypatch.setattr(sys, "stdin", Terminal(text) if terminal else io.StringIO(text))
        scenario = [SCENARIOS[name].id] if name else []
        status = main(["play", *scenario, "--suite", str(suite), *map(str, options)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Played(status, out, err)

    return played


def record(path: Path) -> Trajectory:
    (trajectory,) = read_trajectories(path)
    return trajectory


# --- playing


def test_a_person_sees_what_is_wanted_and_what_each_turn_earns(play: Play) -> None:
    played = play("multi_hop", FIRST, SECOND, "Answer: Rotterdam")
    assert played.status == 0
    assert played.err == ""
    shown = played.out
    assert SCENARIOS["multi_hop"].user_turns[0] in shown
    assert all(f"{number}. {tool.name}(" in shown for number, tool in enumerate(TOOLS, 1))
    assert f"[1] {FIRST}\nget_ship: ok\n  " in shown
    assert '{"id":"SH1","owner_id":"OW2"}' in shown
    assert "reward +0.333, score 0.333: precision 0 → 1, completeness 0 → 0.5" in shown
    assert "The episode is over after 3 turns.\nscore 1\n" in shown


@pytest.mark.parametrize("name", WITH_ORACLE)
def test_typing_the_plan_earns_one(play: Play, tmp_path: Path, name: str) -> None:
    lines = [typed(turn) for turn in oracle_turns(SCENARIOS[name])]
    out = tmp_path / "played.jsonl"
    played = play(name, *lines, options=["--out", out])
    assert played.status == 0
    trajectory = record(out)
    assert trajectory.episode_return == pytest.approx(1)
    assert (trajectory.policy, trajectory.terminated) == ("human", True)
    assert [step.turn.raw for step in trajectory.steps] == lines


def test_a_refused_call_is_shown_as_a_model_sees_it(play: Play) -> None:
    shown = play("multi_hop", 'send get_ship(ship_id="SH1", field="colour")').out
    assert "get_ship: invalid_arguments\n" in shown
    assert '{"error":"invalid_arguments","message":"argument \'field\' must be one of' in shown
    assert "reward +0, score 0: charged 0 → 1" in shown


def test_what_the_user_says_next_is_shown(play: Play) -> None:
    shown = play("multi_turn", "Answer: 8.7 m").out
    assert f"User\n  {SCENARIOS['multi_turn'].user_turns[1]}\n" in shown


def test_a_call_in_tags_may_go_over_several_lines(play: Play, tmp_path: Path) -> None:
    text = str(HERMES.write(calls(call("get_ship", ship_id="SH1", field="owner_id"))))
    out = tmp_path / "played.jsonl"
    lines = [*text.split("\n"), "send <tool_call>", "{", "", "<tool_call>", '{"name":']
    played = play("multi_hop", *lines, options=["--out", out])
    assert "... {" in played.out
    first, second = record(out).steps
    assert first.turn.calls == (call("get_ship", ship_id="SH1", field="owner_id"),)
    assert second.results[0].outcome.label == "malformed_call"


def test_a_scenario_is_drawn_by_seed_and_split(play: Play) -> None:
    firsts = [play("", options=["--seed", seed, "--split", split]).out for seed, split in ((1, "test"), (1, "all"))]
    assert firsts[0] == firsts[1]
    assert firsts[0].partition(":")[0] in {scenario.id for scenario in SCENARIOS.values()}
    assert len({play("", options=["--seed", seed]).out for seed in range(8)}) > 2


def test_a_file_of_one_scenario_can_be_played(play: Play, tmp_path: Path) -> None:
    scenario = SCENARIOS["single_hop"].model_copy(update={"world": WORLD, "world_ref": None})
    path = tmp_path / "mine.json"
    path.write_text(scenario.to_json(), encoding="utf-8")
    played = play("", "Answer: 48", options=[path])
    assert f"(file {path})" in played.out
    assert "The episode is over after 1 turn." in played.out


def test_another_reward_may_score(play: Play) -> None:
    assert "precision 0 → 1" not in play("multi_hop", FIRST, options=["--reward", "ftrl_f1"]).out


def test_turns_are_capped(play: Play) -> None:
    played = play("multi_hop", FIRST, FIRST, FIRST, options=["--max-turns", "2"])
    assert "The episode was cut off after 2 turns." in played.out


# --- what costs nothing


@pytest.mark.parametrize(
    "line", ["Rotterdam", "get_ship(SH1)", 'get_ship(ship="SH1")', "send", "", "   ", "<tool_call>"]
)
def test_a_line_in_doubt_is_not_sent_from_a_pipe(play: Play, tmp_path: Path, line: str) -> None:
    out = tmp_path / "played.jsonl"
    played = play("multi_hop", line, options=["--out", out])
    assert "You left after 0 turns." in played.out
    assert record(out).steps == ()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_commands_play_no_turn(play: Play, tmp_path: Path, command: str) -> None:
    out = tmp_path / "played.jsonl"
    played = play("multi_hop", command, options=["--out", out])
    assert played.status == 0
    assert record(out).steps == ()


def test_at_a_terminal_a_doubt_is_asked_about(play: Play, tmp_path: Path) -> None:
    out = tmp_path / "played.jsonl"
    lines = ["Rotterdam", "n", 'get_ship(ship="SH1")', "", 'get_ship(ship="SH1")', "y", "Rotterdam", "yes"]
    played = play("multi_hop", *lines, options=["--out", out], terminal=True)
    assert played.out.count("Send it as answer? [y/N]") == 2
    assert played.out.count("Send it all the same? [y/N]") == 2
    first, second = record(out).steps
    assert first.turn.calls == (call("get_ship", ship="SH1"),)
    assert second.turn.text == "Rotterdam"


def test_a_question_left_open_is_a_no(play: Play) -> None:
    assert "You left after 0 turns." in play("multi_hop", "Rotterdam", terminal=True).out


def test_send_sends_whatever_doubt_there_is(play: Play) -> None:
    played = play("multi_hop", 'send get_shop(ship_id="SH1")', "send <tool_call>{</tool_call>", "send Rotterdam")
    assert "get_shop: unknown_tool" in played.out
    assert "bad_json: malformed_call" in played.out
    assert "The episode is over after 3 turns." in played.out


def test_the_tools_the_score_and_the_prompt_can_be_looked_at(play: Play) -> None:
    shown = play("multi_hop", FIRST, "tools 3", "tools 99", "score", "prompt", "help").out
    assert shown.count("3. get_ship(") == 2
    assert jsonio.dumps(TOOLS[2].parameters) in shown
    assert "there is no tool '99'" in shown
    assert re.search(r"^completeness +0\.5$", shown, re.MULTILINE)
    assert shown.count("<|im_start|>assistant") == 2
    assert all(f"  {command}" in shown for command in COMMANDS)


# --- undo and hint


def test_undo_takes_turns_back_and_the_record_says_so(play: Play, tmp_path: Path) -> None:
    out = tmp_path / "played.jsonl"
    lines = ["undo", FIRST, "1(name='Fulmar')", "undo", SECOND, "Answer: Rotterdam"]
    played = play("multi_hop", *lines, options=["--out", out])
    assert "there is nothing to undo" in played.out
    assert "the last turn is undone\nscore 0.333\n" in played.out
    trajectory = record(out)
    assert trajectory.policy == "human+undo"
    assert len(trajectory.steps) == 3
    assert trajectory.episode_return == pytest.approx(1)


@pytest.mark.parametrize("name", WITH_ORACLE)
def test_following_the_hints_earns_one(name: str) -> None:
    env = ToolUseEnv(MemoryPack([SCENARIOS[name]], [WORLD]), dialect="structured")
    env.reset(seed=0)
    plan = planned_steps(env)
    while not env.terminated:
        planned = next_turn(plan, env.trajectory.steps)
        assert planned is not None
        draft = read_line(typed(planned), env.scenario.tools)
        assert isinstance(draft, Draft)
        env.step(draft.turn)
    assert env.trajectory.episode_return == pytest.approx(1)
    assert next_turn(plan, env.trajectory.steps) is None


def test_a_hint_counts_what_was_done_in_another_order_and_with_more_arguments() -> None:
    env = ToolUseEnv(MemoryPack([SCENARIOS["parallel_single_hop"]], [WORLD]), dialect="structured")
    env.reset(seed=0)
    plan = planned_steps(env)
    first, second, last = (step.turn for step in plan)
    env.step(second)
    assert next_turn(plan, env.trajectory.steps) == first
    env.step(Turn("Ask: what else?"))
    env.step(first)
    assert next_turn(plan, env.trajectory.steps) == last


def test_hints_are_marked_as_such(play: Play, tmp_path: Path) -> None:
    out = tmp_path / "played.jsonl"
    played = play("multi_hop", "hint", FIRST, "undo", "hint", options=["--out", out])
    assert played.out.count(f"  {FIRST}\n") == 2
    assert played.out.count("cheating") == 2
    assert record(out).policy == "human+hint+undo"


def test_without_a_plan_there_is_no_hint(play: Play, tmp_path: Path) -> None:
    out = tmp_path / "played.jsonl"
    assert "has no plan" in play("imported", "hint", options=["--out", out]).out
    assert record(out).policy == "human"


# --- ends


@pytest.mark.parametrize("last", [[], ["quit"], ["QUIT", FIRST]])
def test_leaving_early_keeps_what_was_played(play: Play, tmp_path: Path, last: list[str]) -> None:
    out = tmp_path / "played.jsonl"
    played = play("multi_hop", FIRST, *last, options=["--out", out])
    assert played.status == 0
    assert "You left after 1 turn.\nscore 0.333\n" in played.out
    assert f"the trajectory is in {out}\n" in played.err
    trajectory = record(out)
    assert (len(trajectory.steps), trajectory.terminated, trajectory.truncated) == (1, False, False)


@pytest.mark.parametrize("terminal", [False, True])
def test_an_interrupt_writes_nothing(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    class Interrupted(io.StringIO):
        def isatty(self) -> bool:
            return terminal

        def readline(self, *_: Any) -> Any:
            if self.tell():
                raise KeyboardInterrupt
            return super().readline()

    monkeypatch.setattr(sys, "stdin", Interrupted(f"{FIRST}\n"))
    arguments = [SCENARIOS["multi_hop"].id, "--suite", str(suite), "--out", str(tmp_path / "played.jsonl")]
    assert main(["play", *arguments]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_without_standard_input_the_episode_ends_at_once(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["play", "--suite", str(suite), "--seed", "0"]) == 0
    assert "You left after 0 turns." in capsys.readouterr().out


def test_control_characters_do_not_reach_the_terminal(play: Play) -> None:
    shown = play("multi_hop", "\x1b[31mred\x07", "Answer: \x1b[2J", "send \x9b31m").out
    assert all(letter.isprintable() or letter == "\n" for letter in shown)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["zzzz"], "no scenario named 'zzzz'"),
        (["no_such.json"], "cannot read no_such.json"),
        (["--suite", "no_such"], "no pack named 'no_such'"),
        (["--split", "tst"], "Did you mean 'test'"),
        (["--reward", "solv"], "Did you mean 'solve'"),
        (["--max-turns", "1"], "greater than or equal to 2"),
        (["--out", "/no/such/folder/x.jsonl"], "cannot write into"),
    ],
)
def test_a_mistake_of_the_caller_is_told_in_one_line(play: Play, options: list[str], message: str) -> None:
    played = play("", options=options)
    assert (played.status, played.out) == (2, "")
    assert played.err.startswith("error: ")
    assert message in played.err
    assert played.err.count("\n") == 1


# --- as a process of its own


def command(suite: Path) -> list[str]:
    return [sys.executable, "-m", "tool_gym.cli", "play", SCENARIOS["multi_hop"].id, "--suite", str(suite)]


def test_bytes_that_are_no_text_are_taken_as_they_come(suite: Path) -> None:
    lines = b"\xff\xfe\nAnswer: \xc3\x28\n"
    run = subprocess.run(command(suite), cwd=ROOT, input=lines, capture_output=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    assert b"The episode is over after 1 turn." in run.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_a_terminal_is_asked_and_answered(suite: Path) -> None:
    import pty

    parent, child = pty.openpty()
    environment = os.environ | {"TERM": "dumb", "COLUMNS": "200"}
    process = subprocess.Popen(command(suite), cwd=ROOT, env=environment, stdin=child, stdout=child, stderr=child)
    os.close(child)
    try:
        shown = until(parent, "[1] ")
        assert SCENARIOS["multi_hop"].user_turns[0] in shown
        os.write(parent, b"Rotterdam\n")
        assert "no call, no command" in until(parent, "[y/N] ")
        os.write(parent, b"n\n")
        until(parent, "[1] ")
        os.write(parent, FIRST.encode() + b"\n")
        assert "score 0.333" in until(parent, "[2] ")
        os.write(parent, b"\x04")
        assert "You left after 1 turn." in until(parent, "value_only")
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(parent)


def until(terminal: int, wanted: str) -> str:
    """Read from a terminal until something stands there; at most a minute."""
    import select

    shown, deadline = "", time.monotonic() + 60
    while wanted not in shown:
        ready, *_ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"{wanted!r} did not come; there is: {shown}"
        shown += os.read(terminal, 65_536).decode(errors="replace")
    return shown
