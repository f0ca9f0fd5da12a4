"""Signing in: passwords, sessions, one-time links, and how often somebody may try."""
