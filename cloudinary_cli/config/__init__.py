"""Saved configurations: config.json, its rules, the choice of one, and what is shown of them."""
