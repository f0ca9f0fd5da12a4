"""Entering stages: where a record may go, what that asks for, and how many may stand there."""
