"""Links that let people in: who makes them, how long they are good, and how they are sent."""
