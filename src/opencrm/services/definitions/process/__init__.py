"""Pipelines and rules that a workspace defines for itself: as data, and as text."""
