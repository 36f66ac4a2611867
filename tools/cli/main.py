"""What can be typed, and what comes back: exit code 0 all well; 1 a problem, told in words; 2 a
command that there is not (argparse); 3 a fault of this program, with its details in the log.

argparse, although click is in the lock: `doctor` has to say what is wrong with an environment
before anything has been installed into it, so nothing outside the standard library is imported
until a command needs it.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tools.cli.words import Told

ROOT = Path(__file__).resolve().parents[2]
LOG = "logs/journey.log"
log = logging.getLogger("journey")

ABOUT = """\
Looks after a build of customer_journey. Changes no table and no setting.

  ./journey doctor        before a build: is everything there, and if not, what to do
  ./journey status        after a build: what is published, how fresh, what became of the rows
  ./journey explain …     in between: which rows stand behind a number, why two identifiers
                          are one person, what an error code means
"""
AFTER = """\
exit code: 0 all well, 1 a problem (told in words), 2 no such command, 3 a fault of this program
the build itself is `make build`; the first ten minutes are docs/quick_start.md
"""


def parser() -> argparse.ArgumentParser:
    whole = text_parser(prog="journey", description=ABOUT, epilog=AFTER)
    commands = whole.add_subparsers(dest="command", metavar="command", required=True)

    doctor = text_parser(
        commands,
        "doctor",
        help="is everything there that a build needs?",
        description="Looks at the environment, profile, hash key, sources, taxonomy and the"
        " published file.\nEach line is ok, a warning (a build runs, look at it) or a problem (a"
        " build stops, or goes wrong),\nwith what to do about it. Runs the checks that a build"
        " makes before its first model, without building.",
        epilog="example: ./journey doctor && make build\nexit code 1 if there is a problem",
    )
    doctor.add_argument("--json", action="store_true", help="for a machine: a list of findings")
    doctor.add_argument(
        "--quick", action="store_true", help="leave out what dbt has to be started for (seconds)"
    )
    doctor.add_argument(
        "--target",
        choices=["duckdb", "spark", "spark_session"],
        default=None,
        help="the engine to build on (default: JOURNEY_TARGET, or duckdb); Spark needs Java",
    )

    status = text_parser(
        commands,
        "status",
        help="what is published, how fresh, what became of the rows?",
        description="Reads the published file (and dbt's report of the last build), never the"
        " private build file:\nit can be asked while a build runs.",
        epilog="example: ./journey status --json | jq .rows",
    )
    status.add_argument("--json", action="store_true", help="for a machine")

    explain = text_parser(
        commands,
        "explain",
        help="where a number, a person, an error or a column comes from",
        description="Explains one thing. A name that there is not is answered with the nearest.",
    )
    things = explain.add_subparsers(dest="thing", metavar="thing", required=True)

    metric = text_parser(
        things,
        "metric",
        help="which rows stand behind a number",
        description="Prints a number as it is published, what it means, and the rows whose count it"
        " is.\nNeeds the build file: not while a build runs.",
        epilog="examples:\n"
        "  ./journey explain metric kpi_support.contact_rate --period 2025-11-03\n"
        "  ./journey explain metric kpi_journey_steps.drop_off_rate --period 2025-10-20 \\\n"
        "      --dimension journey=purchase --dimension step=payment\n"
        "  ./journey explain metric kpi_acquisition_daily.session_count --period 2025-11-20 \\\n"
        "      --segment first_platform=app",
    )
    metric.add_argument("metric", metavar="TABLE.COLUMN", help="as in marts.metric_definitions")
    metric.add_argument(
        "--period", metavar="DATE", help="of the table's period column; without it, those it has"
    )
    metric.add_argument(
        "--segment", metavar="TYPE=VALUE", default="all", help="a segment (default: all)"
    )
    metric.add_argument(
        "--dimension",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="what else tells the table's rows apart; may be given several times",
    )
    metric.add_argument("--rows", type=int, default=10, help="how many rows to print (10)")

    identity = text_parser(
        things,
        "identity",
        help="why two identifiers are one person, or not",
        description="Prints the chain of evidence between two identifiers. Needs the build file.",
        epilog="example: ./journey explain identity anonymous_id:3f9c user_id:42\n"
        "identifiers are written class:value, as in marts.bridge_person_identifiers",
    )
    identity.add_argument("one", metavar="CLASS:VALUE")
    identity.add_argument("other", metavar="CLASS:VALUE")

    person = text_parser(
        things,
        "person",
        help="the road of one person, in words",
        description="When first seen and how, visits, stages, milestones, journeys, funnels,"
        " friction, conversions.\nIdentifiers are shown by class, as hashes.",
        epilog="example: ./journey explain person 0a1b2c3d (the first letters are enough)",
    )
    person.add_argument("person_id", metavar="PERSON_ID", help="of marts.dim_persons")

    code = text_parser(
        things,
        "code",
        help="what an error code means and what to do",
        description="The entry of docs/troubleshooting.md for the code in brackets.",
        epilog="example: ./journey explain code T4",
    )
    code.add_argument("code", metavar="CODE", help="with or without its brackets")

    column = text_parser(
        things,
        "column",
        help="what a column of a mart means",
        description="Its definition, in every table that has it.",
        epilog="example: ./journey explain column contact_rate\n"
        "         ./journey explain column kpi_support.contact_rate",
    )
    column.add_argument("name", metavar="COLUMN", help="or table.column")
    return whole


def text_parser(commands=None, name: str = "", **options) -> argparse.ArgumentParser:
    """A parser whose help keeps its lines as they are written."""
    options["formatter_class"] = argparse.RawDescriptionHelpFormatter
    if commands is None:
        return argparse.ArgumentParser(**options)
    return commands.add_parser(name, **options)


def start_log() -> None:
    """Everything that the commands write down goes to one file; the screen gets only answers."""
    log.setLevel(logging.INFO)
    log.propagate = False
    if any(isinstance(each, (RotatingFileHandler, logging.NullHandler)) for each in log.handlers):
        return
    try:
        Path(LOG).parent.mkdir(exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(
            LOG, maxBytes=1_000_000, backupCount=1, delay=True, encoding="utf-8"
        )
    except OSError:  # a folder that nobody may write to: the answer is worth more than the log
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)


def run(options: argparse.Namespace) -> int:
    if options.command == "doctor":
        from tools.cli import doctor

        return doctor.main(options.target, options.quick, options.json)
    if options.command == "status":
        from tools.cli import status

        return status.main(options.json)
    from tools.cli import explain

    return explain.main(options)


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "0")
    start_log()
    log.info("journey %s", " ".join(sys.argv[1:] if arguments is None else arguments))
    try:
        code = run(options)
    except Told as told:
        log.info("told: %s", told)
        print(f"journey: {told}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as missing:
        log.exception("a package is missing")
        print(
            f"journey: the package `{missing.name}` is not installed here ({sys.executable})."
            " Run `make install`, then `./journey …`, which takes the project's own environment.",
            file=sys.stderr,
        )
        return 1
    except BrokenPipeError:  # whoever reads has read enough (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # the only place: nobody is shown a traceback
        log.exception("unexpected")
        print(
            f"journey: this should not happen: {type(error).__name__}: {str(error)[:300]}\n"
            f"The details stand in {LOG}; please report them.",
            file=sys.stderr,
        )
        return 3
    log.info("exit code %s", code)
    return code
