"""Who may do what: one expression with two faces, a condition for lists and a check for records."""
