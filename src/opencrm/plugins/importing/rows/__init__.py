"""Rows: from cells to drafts of records, before the database is looked at."""
