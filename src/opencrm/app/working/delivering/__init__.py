"""Telling plugins what was committed, here or by way of an engine of others."""
