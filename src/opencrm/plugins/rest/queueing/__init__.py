"""The queue over REST."""
