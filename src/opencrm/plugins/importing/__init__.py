"""Imports of files through maps: `opencrm import`."""
