"""What comes in the box, plugin by plugin: each uses the same doors as a stranger's."""
