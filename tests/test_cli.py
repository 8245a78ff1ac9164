"""The `tool-gym` program: what each command prints, as text and JSON, and how it takes a mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from tests.handmade import SCENARIOS, WORLD
from tool_gym.cli import app, main
from tool_gym.dialects import DIALECTS
from tool_gym.envs.pack import open_pack
from tool_gym.envs.pack_writer import write_pack
from tool_gym.envs.policies import POLICIES
from tool_gym.rewards import REWARDS
from tool_gym.scenario import Scenario

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = (
    *("list", "show", "rollout", "score", "check", "audit", "generate", "pack", "play", "schema", "export", "serve"),
    *("export-trajectories", "train", "analyze"),
)


class Ran(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the program here; whatever happens, nobody sees a traceback."""

    def ran(*arguments: object) -> Ran:
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Ran(status, out, err)

    return ran


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "hand"
    halves = [(("train", "test")[number % 2], scenario) for number, scenario in enumerate(SCENARIOS.values())]
    write_pack(folder, halves, [WORLD], id="hand", version="1.0.0", licence="Apache-2.0")
    return folder


@pytest.fixture
def scenario_file(run: Run, suite: Path, tmp_path: Path) -> Path:
    shown = run("show", SCENARIOS["multi_hop"].id, "--pack", suite, "--json")
    path = tmp_path / "scenario.json"
    path.write_text(shown.out, encoding="utf-8")
    return path


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tool_gym.cli", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(words, cwd=ROOT, text=True, **pipes)


def failed(ran: Ran, *parts: str) -> None:
    """Assert that a command told a mistake of its caller in one line, and printed nothing else."""
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    for part in parts:
        assert part in ran.err


# --- the program itself


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert all(command in result.output for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"tool-gym {command}" in result.output.partition("Examples:")[2]


def test_without_arguments_help_is_shown(run: Run) -> None:
    shown = run()
    assert shown.status == 0
    assert "Commands" in shown.out


def test_version_is_the_package_s(run: Run) -> None:
    from tool_gym import __version__

    assert run("--version") == Ran(0, f"tool-gym {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["rolout"], "'rollout'"),
        (["rollout", "--polcy", "oracle"], "--policy"),
        (["rollout", "--episodes", "0"], "greater than or equal to 1"),
        (["rollout", "--max-turns", "many"], "valid integer"),
        (["show"], "Missing argument"),
        (["generate", "--count", "1"], "--out"),
    ],
)
def test_a_usage_mistake_is_told_in_one_line(run: Run, arguments: list[str], hint: str) -> None:
    failed(run(*arguments), hint, "--help")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rollout", "--suite", "no_such"], "no pack named 'no_such'"),
        (["rollout", "--suite", "SUITE", "--policy", "oracel"], "Did you mean 'oracle'"),
        (["rollout", "--suite", "SUITE", "--policy", ","], "given none"),
        (["rollout", "--suite", "SUITE", "--split", "tst"], "Did you mean 'test'"),
        (["rollout", "--suite", "SUITE", "--dialect", "herms"], "Did you mean 'hermes'"),
        (["rollout", "--suite", "SUITE", "--reward", "solv"], "Did you mean 'solve'"),
        (["score", "no_such.jsonl"], "no_such.jsonl: No such file"),
        (["score", "SUITE"], "Is a directory"),
        (["show", "zzzz", "--pack", "SUITE"], "no scenario named 'zzzz'"),
        (["show", "", "--pack", "SUITE"], "scenarios begin with ''"),
        (["show", "no_such.json"], "cannot read no_such.json"),
        (["check", "no_such.json"], "cannot read no_such.json"),
        (["check", "SUITE", "--split", "validation"], "no split named 'validation'"),
        (["list", "SUITE", "--shape", "multihop"], "Did you mean 'multi_hop'"),
        (["list", "--shape", "multi_hop"], "name one"),
        (["generate", "--name", "No", "--out", "x", "--train", "1"], "'No' cannot be a pack's name"),
        (["generate", "--name", "x", "--out", "x"], "--train"),
        (["generate", "--name", "x", "--out", "x", "--train", "1", "--domains", "enrgy"], "Did you mean 'energy'"),
        (["generate", "--name", "x", "--out", "SUITE", "--train", "1"], "--overwrite"),
        (["generate", "--name", "x", "--out", "SUITE/..", "--train", "1", "--overwrite"], "is no pack"),
        (["generate", "--name", "x", "--out", "SUITE/card.json/x", "--train", "1"], "cannot write into"),
    ],
)
def test_a_mistake_of_the_caller_is_told_in_one_line(run: Run, suite: Path, arguments: list[str], message: str) -> None:
    failed(run(*(word.replace("SUITE", str(suite)) for word in arguments)), message)


@pytest.mark.parametrize("name", ["scenarios.jsonl.gz", "index.json", "card.json"])
def test_a_truncated_pack_is_told_in_one_line(run: Run, suite: Path, tmp_path: Path, name: str) -> None:
    for file in suite.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).write_bytes((suite / name).read_bytes()[:-20])
    for command in (["list"], ["check"], ["rollout", "--suite"]):
        failed(run(*command, tmp_path), name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_pack_is_told_in_one_line(run: Run, suite: Path, tmp_path: Path) -> None:
    for file in suite.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "index.json").chmod(0)
    failed(run("list", tmp_path), "Permission denied")


def test_control_characters_of_a_message_do_not_reach_the_terminal(run: Run) -> None:
    failed(run("check", "\x1b[31mred.json"), "?[31mred.json")


# --- list, show, schema


def test_list_names_everything_there_is(run: Run) -> None:
    found = run("list", "--json").json
    assert found["policies"] == list(POLICIES)
    assert found["rewards"] == list(REWARDS)
    assert found["dialects"] == list(DIALECTS)
    shown = run("list").out
    assert all(name in shown for kind in ("policies", "rewards", "dialects") for name in found[kind])


def test_list_shows_the_scenarios_of_a_pack(run: Run, suite: Path) -> None:
    ran = run("list", suite, "--limit", "3")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["id", *(s.id for s in list(SCENARIOS.values())[:3])]
    assert f"3 of {len(SCENARIOS)} shown" in ran.err
    assert len(run("list", suite, "--limit", "0").out.splitlines()) == len(SCENARIOS) + 1


def test_list_filters_by_split_shape_and_domain(run: Run, suite: Path) -> None:
    found = run("list", suite, "--json", "--split", "test", "--shape", "multi_hop", "--domain", "harbour").json
    wanted = [entry for entry in open_pack(suite).entries("test") if entry.shape == "multi_hop"]
    assert [row["id"] for row in found["scenarios"]] == [entry.id for entry in wanted]
    assert found["total"] == len(wanted) > 0


@pytest.mark.parametrize("name", SCENARIOS)
def test_show_tells_what_is_asked_and_what_counts(run: Run, suite: Path, name: str) -> None:
    scenario = SCENARIOS[name]
    shown = run("show", scenario.id, "--pack", suite).out
    assert all(said in shown for said in scenario.user_turns)
    assert all(f"{tool.name}(" in shown for tool in scenario.tools)
    assert all(sub_goal.question in shown for sub_goal in scenario.sub_goals)
    assert all(f"  {goal.id}  " in shown for goal in scenario.goals)
    assert all(sub_goal.id in shown for sub_goal in scenario.sub_goals)
    assert not any(line.endswith(" ") for line in shown.splitlines())


def test_show_can_leave_the_tools_out(run: Run, suite: Path) -> None:
    scenario = SCENARIOS["decline"]
    shown = run("show", scenario.id, "--pack", suite, "--no-tools").out
    assert scenario.tools[0].description not in shown


def test_show_takes_a_unique_beginning_of_an_id(run: Run, suite: Path) -> None:
    scenario = SCENARIOS["ask"]
    assert run("show", scenario.id[:8], "--pack", suite) == run("show", scenario.id, "--pack", suite)


def test_a_shown_scenario_stands_alone(run: Run, scenario_file: Path) -> None:
    scenario = Scenario.from_json(scenario_file.read_bytes())
    assert scenario.id == SCENARIOS["multi_hop"].id
    assert scenario.world == WORLD
    assert scenario.user_turns[0] in run("show", scenario_file).out


def test_schema_accepts_a_scenario(run: Run, scenario_file: Path) -> None:
    import jsonschema

    validator = jsonschema.Draft202012Validator(run("schema").json)
    validator.check_schema(validator.schema)
    assert validator.is_valid(json.loads(scenario_file.read_text(encoding="utf-8")))
    assert not validator.is_valid({"id": "x"})


# --- check


def test_check_finds_nothing_in_a_sound_pack(run: Run, suite: Path) -> None:
    assert run("check", suite, "--json").json == {"checked": len(SCENARIOS), "ok": True, "findings": []}
    assert run("check", suite, "--split", "all", "--limit", "2") == Ran(0, "2 scenarios checked: no findings\n", "")


def test_check_of_a_file_tells_what_is_wrong_and_exits_1(run: Run, scenario_file: Path) -> None:
    assert run("check", scenario_file) == Ran(0, "1 scenario checked: no findings\n", "")
    altered = json.loads(scenario_file.read_text(encoding="utf-8")) | {"user_turns": ["Something else?"]}
    scenario_file.write_text(json.dumps(altered), encoding="utf-8")
    ran = run("check", scenario_file, "--json")
    assert ran.status == 1
    assert [finding["check"] for finding in ran.json["findings"]] == ["id"]
    shown = run("check", scenario_file)
    assert shown.status == 1
    assert "its content gives the id" in shown.out
    assert "1 scenario checked: 1 with findings" in shown.out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a scenario"),
        (b"{", "not a scenario"),
        (b"[1]", "not a scenario"),
        (b"\xff\xfe", "not a scenario"),
        (b"[" * 100_000, "not a scenario"),
        (b'{"schema_version": 99}', "schema version '99'"),
    ],
)
def test_a_file_that_is_no_scenario_is_told_in_one_line(run: Run, tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(content)
    for command in ("check", "show"):
        failed(run(command, path), "odd.json", message)


def test_a_file_without_its_world_is_told_how_to_get_one(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bare.json"
    path.write_text(SCENARIOS["multi_hop"].to_json(), encoding="utf-8")
    for command in ("check", "show"):
        failed(run(command, path), "tool-gym show --json")


# --- generate


def test_generate_builds_a_pack_that_can_be_played(run: Run, tmp_path: Path) -> None:
    options = ("--name", "mine", "--out", tmp_path / "mine", "--train", "4", "--test", "3", "--seed", "5")
    made = run("generate", *options, "--json")
    assert made.status == 0
    assert made.json["splits"] == {"train": 4, "test": 3}
    assert made.json["accepted"] == 7 <= made.json["attempts"]
    assert len(open_pack(tmp_path / "mine").entries()) == 7
    again = run("generate", *options, "--overwrite")
    assert made.json["content_hash"] in again.out
    assert 'gym.make("ToolUse-v0", pack="' in again.out
    played = run("rollout", "--suite", tmp_path / "mine", "--policy", "oracle", "--json").json
    assert played["policies"][0]["mean_return"] == pytest.approx(1)


def test_generate_takes_domains_and_complexity(run: Run, tmp_path: Path) -> None:
    options = ("--train", "3", "--domains", "museum, travel", "--complexity", "0")
    made = run("generate", "--name", "small", "--out", tmp_path / "small", *options, "--json").json
    assert set(made["counts"]["domain"]) <= {"museum", "travel"}


# --- as a process of its own


def test_a_process_exits_with_the_code_of_main() -> None:
    process = start("rollout", "--policy", "oracel")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("error: ")


def test_help_loads_neither_scenarios_nor_environments() -> None:
    heavy = ("pydantic", "jsonschema", "jsonschema_rs", "torch", "tool_gym.scenario", "tool_gym.envs.env")
    look = f"import sys; from tool_gym.cli import main; main(['--help']); print({set(heavy)} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60, check=True)
    assert "rollout" in run.stdout
    assert run.stdout.splitlines()[-1] == "set()"


def test_a_reader_that_leaves_early_is_no_error(suite: Path) -> None:
    process = start("show", SCENARIOS["join"].id, "--pack", suite, "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=60) == 141
    assert err == ""
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_in_one_line() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = start("schema", stdout=full)
        assert process.stderr is not None
        assert process.stderr.read() == "error: input or output: No space left on device\n"
        assert process.wait(timeout=60) == 2
        process.stderr.close()


def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    # Where the tests themselves run in the background, children are born deaf to SIGINT.
    listen = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{listen}; from tool_gym.cli import main; sys.exit(main())"
    arguments = ("generate", "--name", "long", "--out", str(tmp_path / "long"), "--train", "100000")
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"FORCE_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.read(1)  # the progress bar: it is at work
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, out) == (130, "")
    assert err.endswith("interrupted\n")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
