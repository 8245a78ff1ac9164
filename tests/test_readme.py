"""Every Python block of README.md and docs/*.md runs, and README's two commands are where `.ci/run` looks for them.

The blocks of a page are one program, run from top to bottom in a fresh interpreter; a warning is an error. A block
under `<!-- needs: train -->` is run in the second stage, one under the name of another package where that is installed;
there warnings are other people's.
"""

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- needs: (?P<needs>\w+) -->\n)?^(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
PYTHON_FENCE = re.compile(r"^\s*(?:```|~~~)\s*py(?:thon|3)?\b.*$", re.MULTILINE | re.IGNORECASE)


def program(page: str, *, extra: str | None = None) -> str:
    """Return the page's blocks as one program whose line numbers are the page's; those that need `extra` among them."""
    lines = [""] * (page.count("\n") + 1)
    for block in BLOCK.finditer(page):
        if block["needs"] not in (None, extra):
            continue
        first = page.count("\n", 0, block.start("code"))
        code = dedent(block["code"]).splitlines()
        lines[first : first + len(code)] = code
    return "\n".join(lines) + "\n"


def assert_runs(page: Path, folder: Path, extra: str | None = None) -> None:
    script = folder / f"{page.stem}.py"
    script.write_text(program(page.read_text(encoding="utf-8"), extra=extra), encoding="utf-8")
    warnings = "error" if extra is None else "default"
    run = subprocess.run(
        [sys.executable, "-W", warnings, script], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, f"{page.name} (line numbers are the page's):\n{run.stderr}"


def needing(pages: list[Path], extra: str) -> list[Path]:
    return [page for page in pages if f"<!-- needs: {extra} -->" in page.read_text(encoding="utf-8")]


def with_python(pages: list[Path]) -> list[Path]:
    return [page for page in pages if PYTHON_FENCE.search(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", with_python(PAGES), ids=lambda page: page.name)
def test_python_blocks_of_a_page_run(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(BLOCK.findall(text)) == len(PYTHON_FENCE.findall(text)), "fence examples as ```python, and close them"
    assert_runs(page, tmp_path)


@pytest.mark.train
@pytest.mark.parametrize("page", needing(PAGES, "train"), ids=lambda page: page.name)
def test_blocks_that_train_run(page: Path, tmp_path: Path) -> None:
    assert_runs(page, tmp_path, "train")


@pytest.mark.slow
@pytest.mark.parametrize("page", needing(PAGES, "openenv"), ids=lambda page: page.name)
def test_blocks_of_openenv_run(page: Path, tmp_path: Path) -> None:
    pytest.importorskip("openenv")
    assert_runs(page, tmp_path, "openenv")


@pytest.mark.parametrize("marker", ["main-command", "test-command"])
def test_readme_marks_each_command_once(marker: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"^<!-- {marker} -->\n```bash\n(.+)\n```$", readme, re.MULTILINE)
    assert len(found) == 1, f"README.md needs one line <!-- {marker} --> right above a bash block of one line"


def test_a_program_keeps_the_line_numbers_of_its_page() -> None:
    page = "# Title\n\n```python\na = 1\n```\n\n- item\n\n  ```python\n  b = a\n  ```\n"
    assert program(page).splitlines()[3] == "a = 1"
    assert program(page).splitlines()[9] == "b = a"
