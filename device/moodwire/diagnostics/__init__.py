"""What is wrong with this device, and what to do about it: findings, stage by stage."""
