"""From what was written to typed values, for whoever asks."""
