"""What comes of processes: tasks, one's inbox, and where others are told."""
