"""What is wrong with this device, and what to do about it: findings, stage by stage."""

from moodwire.diagnostics.finding import Finding, Grade, broken, fine, skipped, warning

__all__ = ["Finding", "Grade", "broken", "fine", "skipped", "warning"]
