"""The outcomes for a person (a table, Markdown) and for a machine (JUnit)."""

from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

from tools.expectations.checks import Outcome


def summary(outcomes: list[Outcome]) -> str:
    failed = sum(each.is_failure for each in outcomes)
    warned = sum(not each.holds for each in outcomes) - failed
    held = len(outcomes) - failed - warned
    return f"{len(outcomes)} expectations: {held} hold, {warned} warn, {failed} fail."


def table(outcomes: list[Outcome]) -> str:
    """A table in plain words, for a terminal."""
    heads = ("", "Subject", "Expectation", "Found")
    rows = [(each.word, each.suite, each.expectation.says, each.found) for each in outcomes]
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    lines = ["-" * (sum(widths) + 2 * len(widths) - 2)]
    lines[:0] = ["  ".join(text.ljust(w) for text, w in zip(heads, widths, strict=True)).rstrip()]
    lines += [
        "  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def markdown(outcomes: list[Outcome]) -> str:
    def cell(text: str) -> str:
        return text.replace("|", "\\|")

    lines = ["# Expectations of the published tables", "", summary(outcomes), ""]
    lines += ["| | Subject | Expectation | Found |", "|---|---|---|---|"]
    lines += [
        f"| {each.word} | {each.suite} | {cell(each.expectation.says)} | {cell(each.found)} |"
        for each in outcomes
    ]
    return "\n".join(lines) + "\n"


def junit(outcomes: list[Outcome]) -> str:
    """A test suite per subject; a warning that does not hold is a skipped test with its reason."""
    root = ElementTree.Element("testsuites", name="expectations", tests=str(len(outcomes)))
    root.set("failures", str(sum(each.is_failure for each in outcomes)))
    for name, group in groupby(outcomes, key=lambda each: each.suite):
        cases = list(group)
        suite = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(cases)))
        suite.set("failures", str(sum(each.is_failure for each in cases)))
        suite.set("skipped", str(sum(each.word == "warns" for each in cases)))
        for each in cases:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"expectations.{name}", name=each.expectation.says
            )
            if not each.holds:
                kind = "failure" if each.is_failure else "skipped"
                message = f"found: {each.found or 'rows that break it'}"
                ElementTree.SubElement(case, kind, message=message)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def write(outcomes: list[Outcome], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        folder / "expectations.md": markdown(outcomes),
        folder / "expectations.junit.xml": junit(outcomes),
    }
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return list(files)
