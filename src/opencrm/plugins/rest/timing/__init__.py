"""The clock, and promises about time, over REST."""
