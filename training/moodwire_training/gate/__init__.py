"""The speech gate: its training material, its fit, its test against other gates."""
