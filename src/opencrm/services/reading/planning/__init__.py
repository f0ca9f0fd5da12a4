"""How a list becomes one statement: its scope taken apart, the way chosen, the statement built."""
