"""The outcomes for a person (a table, Markdown) and for a machine (JUnit)."""

from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

from tools.expectations.suites import NOT_APPLICABLE, NOT_COMPUTED, Outcome

HEADS = ("", "Subject", "Table", "Expectation", "Found", "Expected")


def summary(outcomes: list[Outcome]) -> str:
    failed = sum(each.is_failure for each in outcomes)
    warned = sum(each.is_warning for each in outcomes)
    skipped = sum(each.outcome == NOT_APPLICABLE for each in outcomes)
    accepted = sum(each.outcome == "accepted" for each in outcomes)
    passed = sum(each.is_passed is True for each in outcomes)
    text = f"{len(outcomes)} expectations: {passed} passed, {warned} warnings, {failed} failed"
    text += f", {accepted} accepted" if accepted else ""
    return f"{text}, {skipped} not applicable."


def told(outcomes: list[Outcome]) -> list[Outcome]:
    """Those that somebody should read, the worst first."""
    order = ("BROKEN", "FAILED", "accepted", "warning")
    return sorted((each for each in outcomes if each.word in order), key=lambda e: e.word.lower())


def _row(each: Outcome) -> tuple[str, ...]:
    expectation = each.expectation
    found = each.observed or "rows that break it" * (not each.is_passed)
    return (each.word, each.suite, each.table, expectation.says, found, expectation.expected)


def table(outcomes: list[Outcome]) -> str:
    """A table in plain words, for a terminal."""
    rows = [_row(each) for each in outcomes]
    widths = [max(len(row[column]) for row in [HEADS, *rows]) for column in range(len(HEADS))]
    lines = ["-" * (sum(widths) + 2 * len(widths) - 2)]
    lines[:0] = ["  ".join(text.ljust(w) for text, w in zip(HEADS, widths, strict=True)).rstrip()]
    lines += [
        "  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def subjects(outcomes: list[Outcome]) -> list[tuple[str, int, int, int, int]]:
    """Per subject: how many passed, warned, failed and were not applicable."""
    found = []
    for name, group in groupby(outcomes, key=lambda each: each.suite):
        cases = list(group)
        found.append(
            (
                name,
                sum(each.is_passed is True for each in cases),
                sum(each.is_warning for each in cases),
                sum(each.is_failure for each in cases),
                sum(each.outcome == NOT_APPLICABLE for each in cases),
            )
        )
    return found


def markdown(outcomes: list[Outcome]) -> str:
    def line(cells) -> str:
        return "| " + " | ".join(str(text).replace("|", "\\|") for text in cells) + " |"

    lines = ["# Quality gate", "", summary(outcomes), ""]
    lines += [line(("Subject", "Passed", "Warnings", "Failed", "Not applicable"))]
    lines += ["|---|--:|--:|--:|--:|", *map(line, subjects(outcomes)), ""]
    if worth_reading := told(outcomes):
        lines += ["## What to look at", "", line(HEADS), "|---" * len(HEADS) + "|"]
        lines += [line(_row(each)) for each in worth_reading]
        lines += ["", "What to do then: docs/quality_gate.md.", ""]
    lines += ["## All", "", line(HEADS), "|---" * len(HEADS) + "|"]
    lines += [line(_row(each)) for each in outcomes]
    return "\n".join(lines) + "\n"


def junit(outcomes: list[Outcome]) -> str:
    """A test suite per subject. A warning is a skipped test with its reason, as is what is not
    applicable; what could not be looked at is an error."""
    root = ElementTree.Element("testsuites", name="quality gate", tests=str(len(outcomes)))
    counts = {"failures": 0, "errors": 0, "skipped": 0}
    for name, group in groupby(outcomes, key=lambda each: each.suite):
        cases = list(group)
        suite = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(cases)))
        count = dict.fromkeys(counts, 0)
        for each in cases:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"{name}.{each.table}", name=each.expectation.says
            )
            found = each.observed or "rows that break it"
            message = f"found: {found}; expected: {each.expectation.expected}"
            if each.outcome == NOT_COMPUTED:
                ElementTree.SubElement(case, "error", message=each.observed)
                count["errors"] += 1
            elif each.is_failure:
                ElementTree.SubElement(case, "failure", message=message)
                count["failures"] += 1
            elif each.outcome == NOT_APPLICABLE:
                ElementTree.SubElement(case, "skipped", message=f"not applicable: {found}")
                count["skipped"] += 1
            elif not each.is_passed:
                ElementTree.SubElement(case, "skipped", message=f"{each.word}: {message}")
                count["skipped"] += 1
        for key, number in count.items():
            suite.set(key, str(number))
            counts[key] += number
    for key, number in counts.items():
        root.set(key, str(number))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def write(outcomes: list[Outcome], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        folder / "quality.md": markdown(outcomes),
        folder / "quality.junit.xml": junit(outcomes),
    }
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return list(files)
