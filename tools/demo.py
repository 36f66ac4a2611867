"""The sample company from raw rows to published tables: `make demo`.

Writes the sample, makes a hash key, lets dbt build and test, publishes, and says what came out.
Each step says what it does and how long it took; the first that fails ends the demo with dbt's own
message. Last come what the tables say, three findings, and the dashboard's file.
"""

import subprocess
import sys
import time
from pathlib import Path

PYTHON = sys.executable
DBT = str(Path(PYTHON).with_name("dbt"))
SAMPLE = Path("sample/raw")

STEPS = [
    ("writing the sample company's raw tables", [PYTHON, "-m", "tools.sample", "--quiet"]),
    ("making the hash key", [PYTHON, "-m", "tools.hash_key"]),
    ("building and testing the tables with dbt", [DBT, "--quiet", "build", "--full-refresh"]),
    # the file alone, which is what the pages read: parquet is written by `make publish`
    ("publishing the marts", [PYTHON, "-m", "tools.publish", "--to", "duckdb"]),
]


def main() -> int:
    Path("warehouse").mkdir(exist_ok=True)
    for number, (what, command) in enumerate(STEPS, start=1):
        print(f"[{number}/{len(STEPS)}] {what} …", flush=True)
        started = time.monotonic()
        done = subprocess.run(command, check=False)
        if done.returncode != 0:
            print(
                f"\nstopped while {what}. What went wrong stands above;"
                " docs/troubleshooting.md explains the codes in brackets.",
                file=sys.stderr,
            )
            return done.returncode
        print(f"      {time.monotonic() - started:.0f} s", flush=True)
    print()
    sys.stdout.flush()
    told = subprocess.run([PYTHON, "-m", "tools.summary"], check=False).returncode
    if told == 0:
        print("\nThe same to look at:", flush=True)
        told = subprocess.run([PYTHON, "-m", "tools.dashboard"], check=False).returncode
    return told


if __name__ == "__main__":
    sys.exit(main())
