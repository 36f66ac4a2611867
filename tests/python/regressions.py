"""Worlds that once came out wrong. They travel with the random ones in every test, as they came.

A case is a `World` whose name says what went wrong and whose rows say in which delivery and load
they arrived: `python tests/python/test_differential.py shrink w017` prints one, ready to paste.
"""

from worlds import World

REGRESSIONS: list[World] = []
