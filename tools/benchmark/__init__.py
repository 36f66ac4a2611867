"""What the models cost: `python -m tools.benchmark` (make bench)."""
