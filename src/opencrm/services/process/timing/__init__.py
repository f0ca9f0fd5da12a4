"""What comes with time, beside tasks' own deadlines: timers, promises about time, appointments."""
