import ast
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks import targets
from benchmarks.add4 import PACK, TURNS, BareEnv
from benchmarks.measuring import Contender, Measured, local, measure, measure_calls
from benchmarks.peers import __main__ as program
from benchmarks.peers import session, venvs
from benchmarks.peers.catalogue import OURS, PEERS, Peer, PeerError, ToolPath
from benchmarks.peers.session import Session
from benchmarks.peers.table import Row, markdown, table
from benchmarks.peers.workload import EPISODES, SCRIPT, STEPS
from benchmarks.players import bare, ours
from tool_gym.envs.env import ToolUseEnv

ROOT = Path(__file__).resolve().parents[1]
ADAPTERS = ROOT / "benchmarks" / "peers"
FAKE = Peer(name="Fake", requirements=("fake==1.0",), adapter="fake_add4", paths=(ToolPath("step", "nothing"),))


class TestWorkload:
    def test_ours_and_the_bare_env_play_the_script(self) -> None:
        assert ours(ToolUseEnv(PACK))(EPISODES) == pytest.approx(EPISODES)
        assert bare(BareEnv())(EPISODES) == EPISODES

    def test_scenarios_are_the_scripts_episodes(self) -> None:
        for entry, episode in zip(PACK.entries(), SCRIPT, strict=True):
            scenario = PACK.task(entry.id).scenario
            assert [item.arguments for item in scenario.sub_goals] == [{"a": a, "b": b} for a, b in episode.pairs]
            assert TURNS[entry.id] == episode.hermes
            assert len(episode.hermes) == STEPS

    def test_no_two_episodes_are_alike(self) -> None:
        assert len(set(SCRIPT)) == EPISODES

    def test_a_player_goes_on_where_it_stopped(self) -> None:
        play = bare(BareEnv())
        assert [play(3), play(EPISODES), play(1)] == [3, EPISODES, 1]


@pytest.mark.parametrize("peer", [OURS, *PEERS], ids=lambda peer: peer.name)
class TestCatalogue:
    def test_requirements_are_pinned(self, peer: Peer) -> None:
        assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", item) for item in peer.requirements)

    def test_the_adapter_offers_the_paths(self, peer: Peer) -> None:
        tree = ast.parse((ADAPTERS / f"{peer.adapter}.py").read_text(encoding="utf-8"))
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert {path.name for path in peer.paths} <= texts
        assert len({path.name for path in peer.paths}) == len(peer.paths)

    def test_an_adapter_of_a_peer_needs_nothing_of_ours_but_the_workload(self, peer: Peer) -> None:
        source = (ADAPTERS / f"{peer.adapter}.py").read_text(encoding="utf-8")
        used = set(re.findall(r"^from (benchmarks\S*|tool_gym\S*) import (\w+)", source, re.MULTILINE))
        modules = {module if module != "benchmarks.peers" else f"{module}.{name}" for module, name in used}
        assert modules == {"benchmarks.peers.workload"} or peer is OURS


class TestSession:
    def test_our_own_adapter_plays_what_the_catalogue_says(self) -> None:
        with session.ours() as own:
            assert own.paths() == [path.name for path in OURS.paths]
            assert own.play("gym.make", EPISODES)["reward"] == pytest.approx(EPISODES)

    def test_a_path_that_fails_says_why_and_leaves_the_others(self, tmp_path: Path) -> None:
        with adapter(tmp_path, "def bad(): raise KeyError('add')\nserve({'bad': bad, 'good': lambda: float})") as fake:
            assert fake.paths() == ["bad", "good"]
            with pytest.raises(PeerError, match="KeyError: 'add'"):
                fake.play("bad", 2)
            assert fake.play("good", 2)["reward"] == 2

    def test_what_a_peer_prints_does_not_disturb(self, tmp_path: Path) -> None:
        with adapter(tmp_path, "serve({'step': lambda: lambda n: print('loud') or float(n)})") as fake:
            fake.paths()
            assert fake.play("step", 5)["reward"] == 5

    def test_an_adapter_that_does_not_start_gives_its_last_line(self, tmp_path: Path) -> None:
        source = "raise SystemExit('no such module\\n\\nModuleNotFoundError: nope\\n')"
        with adapter(tmp_path, source) as fake, pytest.raises(PeerError, match=r"^ModuleNotFoundError: nope$"):
            fake.paths()

    def test_an_adapter_that_hangs_is_given_up_and_ended(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "ANSWER_SECONDS", 0.1)
        source = "import time\nserve({'step': lambda: lambda n: time.sleep(600)})"
        with adapter(tmp_path, source) as fake:
            fake.paths()
            with pytest.raises(PeerError, match="no answer within"):
                fake.play("step", 1)
            assert fake._process.returncode is not None
            with pytest.raises(PeerError):
                fake.play("step", 1)


class TestMeasure:
    def test_contenders_play_in_turn(self) -> None:
        order: list[str] = []
        contenders = {name: fake_contender(order, name) for name in "ab"}
        measured = measure(contenders, repetitions=3, seconds=0.01)
        assert "".join(order).endswith("ababab")
        assert len(measured["a"].cpu) == 3

    def test_an_episode_without_its_reward_is_no_measurement(self) -> None:
        with pytest.raises(RuntimeError, match="lazy: 64 episodes earned 0 in all"):
            measure({"lazy": local(lambda _: 0.0)})

    def test_ratios_are_taken_pair_by_pair(self) -> None:
        slow, fast = Measured((10.0, 200.0, 30.0), (1.0,) * 3), Measured((1.0, 20.0, 3.0), (1.0,) * 3)
        assert slow.ratio_to(fast) == 10

    def test_calls_are_counted_each(self) -> None:
        made: list[int] = []
        measure_calls(lambda: made.append(1), repetitions=2, calls=3)
        assert len(made) == 6


class TestTable:
    ROWS = (
        Row("Slow", ToolPath("run", "schema"), Measured((1000.0,), (2000.0,)), 125.0),
        Row("tool-gym", ToolPath("gym.make", "all"), Measured((8.0,), (10.0,)), 1.0),
    )

    def test_the_fastest_stands_first(self) -> None:
        lines = table(self.ROWS, {}, {}).splitlines()
        assert [line.split(" ")[1] for line in lines[2:]] == ["tool-gym:", "Slow:"]
        assert re.split(r" *\| *", lines[2])[1:-1] == ["tool-gym: gym.make", "100,000", "125,000", "8.0", "1.00", "all"]

    def test_lines_are_equally_long(self) -> None:
        assert len({len(line) for line in table(self.ROWS, {}, {}).splitlines()}) == 1

    def test_who_is_missing_is_named_with_the_reason(self) -> None:
        text = table(self.ROWS, {"GEM": "not installed: no space left"}, {"TRL": "needs a model"})
        assert "Failed:\n- GEM: not installed: no space left" in text
        assert text.endswith("Not measured:\n- TRL: needs a model")

    def test_a_table_without_rows_is_its_head(self) -> None:
        assert markdown(("a", "bc"), []) == "| a | bc |\n| - | -- |"


class TestInstalling:
    @pytest.fixture
    def commands(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
        made: list[list[str]] = []

        def run(command: list[str]) -> None:
            made.append(command)
            if "venv" in command:
                (tmp_path / FAKE.adapter / "bin").mkdir(parents=True)
                (tmp_path / FAKE.adapter / "bin" / "python").touch()

        monkeypatch.setattr(venvs, "_run", run)
        return made

    def test_a_peer_is_installed_once(self, commands: list[list[str]], tmp_path: Path) -> None:
        assert venvs.installed(FAKE, tmp_path) is None
        python = venvs.python_of(FAKE, tmp_path)
        assert venvs.python_of(FAKE, tmp_path) == python == venvs.installed(FAKE, tmp_path)
        assert [command[-1] for command in commands] == [str(tmp_path / FAKE.adapter), "fake==1.0"]

    def test_other_pins_are_installed_anew(self, commands: list[list[str]], tmp_path: Path) -> None:
        venvs.python_of(FAKE, tmp_path)
        venvs.python_of(FAKE._replace(requirements=("fake==2.0",)), tmp_path)
        assert [command[-1] for command in commands][3] == "fake==2.0"

    def test_a_peer_that_no_python_fits_is_refused(self) -> None:
        with pytest.raises(PeerError, match=r"needs Python 3\.90 to 3\.90; the path has none that runs"):
            venvs.interpreter(FAKE._replace(python=(3, 90), before=(3, 91)))

    def test_a_python_that_does_not_run_is_passed_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = {"python3.90": "/no/such/python", "python3.91": sys.executable}
        monkeypatch.setattr("shutil.which", found.get)
        assert venvs.interpreter(FAKE._replace(python=(3, 90), before=(3, 92))) == sys.executable

    def test_what_fails_is_told_by_its_last_line(self) -> None:
        with pytest.raises(PeerError, match=r"^not installed: SystemExit: no wheel$"):
            venvs._run([sys.executable, "-c", "raise SystemExit('looking\\nSystemExit: no wheel')"])

    def test_the_program_goes_on_after_a_peer_that_fails(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        def fail(peer: Peer, _: Path) -> Path:
            msg = f"{peer.name} cannot be had"
            raise PeerError(msg)

        monkeypatch.setattr(program, "python_of", fail)
        monkeypatch.setattr(program, "OURS", OURS._replace(paths=OURS.paths[:1]))
        assert program.main(["--only", "GEM", "--only", "BFCL", "--repetitions", "1", "--cache", str(tmp_path)]) == 1
        said = capsys.readouterr().out
        assert "bare gymnasium.Env" in said
        assert said.endswith("Failed:\n- GEM: GEM cannot be had\n- BFCL: BFCL cannot be had\n")

    def test_the_list_names_every_pin(self, capsys: pytest.CaptureFixture[str]) -> None:
        program.main(["--list"])
        said = capsys.readouterr().out
        assert all(requirement in said for peer in PEERS for requirement in peer.requirements)


class TestTargets:
    @pytest.mark.parametrize(
        ("value", "at_least", "verdict"),
        [
            (2.0, True, "met"),
            (1.0, True, "missed by a factor of 2.00"),
            (2.0, False, "met"),
            (3.0, False, "missed by a factor of 1.50"),
        ],
    )
    def test_a_verdict_says_by_how_much(self, value: float, at_least: bool, verdict: str) -> None:  # noqa: FBT001 - a case
        assert targets.Finding("speed", value, "x", 2.0, at_least=at_least).verdict == verdict

    def test_steps_are_judged_by_ratios(self) -> None:
        played = {
            name: Measured((microseconds,), (microseconds,))
            for name, microseconds in {
                targets.BARE: 1.0,
                targets.SINGLE: 2.0,
                targets.NATIVE: 2.0,
                targets.DRAWING: 2.0,
                targets.SYNC: 5.0,
                targets.ASYNC: 10.0,
                targets.BEST_PEER: 3.0,
            }.items()
        }
        findings = list(targets.of_steps(played))
        assert [finding.value for finding in findings] == [1.5, 0.5, 1.0, 2.5, 5.0]
        assert [finding.verdict for finding in findings] == ["met"] * 4 + ["missed by a factor of 2.00"]

    def test_a_large_world_keeps_an_episode_cheap_to_start(self) -> None:
        assert [finding.unit for finding in targets.of_episodes()] == ["µs", "µs"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["pytest", "benchmarks", "--benchmark-disable", "-q", "-p", "no:cacheprovider"],
        ["benchmarks.live_episodes", "--episodes", "300"],
        ["benchmarks.profile_generation", "--blocks", "1", "--warm", "0"],
        ["benchmarks.profile_step"],
        ["benchmarks.starting"],
        ["benchmarks.targets", "--repetitions", "1"],
    ],
    ids=lambda command: command[0],
)
def test_program_runs(command: list[str]) -> None:
    subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True, timeout=900)


def adapter(folder: Path, source: str) -> Session:
    """Start an adapter of a few lines."""
    path = folder / "fake_add4.py"
    path.write_text("from benchmarks.peers.workload import serve\n" + textwrap.dedent(source), encoding="utf-8")
    return Session([sys.executable, str(ADAPTERS / "launch.py"), str(path)])


def fake_contender(order: list[str], name: str) -> Contender:
    """Return a contender that writes down when it plays."""

    def play(episodes: int) -> Mapping[str, float]:
        order.append(name)
        return {"reward": float(episodes), "cpu": 0.01, "wall": 0.01}

    return play
