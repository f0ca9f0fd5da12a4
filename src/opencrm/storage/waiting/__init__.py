"""Waiting: for a commit of others, for a turn, for transactions that began before."""
