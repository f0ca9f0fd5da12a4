"""Engines, transactions and statements: the only room that knows a database."""
