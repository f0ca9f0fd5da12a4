"""What can be done: services over changes, and the two doors to data that they work behind."""
