"""Keeping records clean: many edited alike, doubles found and merged."""
