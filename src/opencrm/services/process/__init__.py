"""What follows from changes, and what comes with time: tasks, rules, reminders."""
