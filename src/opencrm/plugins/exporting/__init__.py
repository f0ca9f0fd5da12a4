"""Exports as CSV: `opencrm export`."""
