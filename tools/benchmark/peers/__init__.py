"""The same work done by others, measured in the same run: `python -m tools.benchmark.peers`."""
