"""Files: their encoding and delimiter, and their rows with the lines on which they begin."""
