"""Pipelines and rules: what they are, what a change of them would do, and what they did."""
