"""Reading at size: lists, counts, boards and reports for people who see little, some and all of it."""
