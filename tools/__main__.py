"""`python -m tools`, or `./journey`: the project's command line (tools/cli)."""

import sys

from tools.cli.main import main

sys.exit(main())
