"""Time as declarations speak of it: calendars, durations, deadlines, promises and slots."""
