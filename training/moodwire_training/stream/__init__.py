"""Always-on quality: what the device says over hours, not over chosen clips."""
