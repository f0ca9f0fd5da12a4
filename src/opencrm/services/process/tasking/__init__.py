"""Tasks: whom they are given, when they are put, and what their ladders do."""
