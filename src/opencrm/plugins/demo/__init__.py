"""The demo: a company that sells windows, invented from end to end, and the command that makes it."""
