"""Check the import contracts on the installed package.

import-linter reads one folder per package, and in a checkout the wings (envs, generators, agents) stand beside
`tool_gym` instead of inside it: there, every contract about them would hold for want of modules. So this runs on an
installed wheel, outside the checkout, and fails unless it saw every wing and every contract could be broken.

    python lint_imports.py path/to/pyproject.toml
"""

import sys
import tomllib
from pathlib import Path

import grimp
from importlinter import cli

WINGS = ("tool_gym.envs", "tool_gym.generators", "tool_gym.agents")


def main() -> int:
    """Return the exit status: 0 when all contracts hold over all wings."""
    config = Path(sys.argv[1]).resolve()
    if (Path.cwd() / "tool_gym").exists():
        print(f"run this outside a checkout: {Path.cwd()} holds a tool_gym folder", file=sys.stderr)
        return 2
    contracts = tomllib.loads(config.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    graph = grimp.build_graph("tool_gym", include_external_packages=True, cache_dir=None)
    unseen = [wing for wing in WINGS if wing not in graph.modules]
    if unseen:
        print(f"the import graph lacks {', '.join(unseen)}: is the wheel installed here?", file=sys.stderr)
        return 2
    sizes = {wing: len(graph.find_descendants(wing)) + 1 for wing in WINGS}
    print(f"{len(contracts)} contracts over {len(graph.modules)} modules:", *(f"{w} {n}" for w, n in sizes.items()))
    return cli.lint_imports(config_filename=str(config), no_cache=True, no_logo=True)


if __name__ == "__main__":
    sys.exit(main())
