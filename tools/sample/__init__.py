"""A seeded generator of an invented company's raw tables, dirt and ground truth included."""
