"""Nouns and rules: pure values and functions, without a session, an engine or a clock of their own."""
