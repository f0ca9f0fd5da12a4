"""What people do about a record, and by when."""
