"""`python -m tool_gym.cli`: the program where no script is installed."""

import sys

from tool_gym.cli import main

sys.exit(main())
