"""Looking after rules: what is wrong with them, what they did, and what they would have done."""
