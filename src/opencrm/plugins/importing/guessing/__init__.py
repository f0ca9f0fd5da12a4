"""Guesses of maps: what the columns of a file that nobody has described may stand for."""
