"""The speech gate, measured beside other gates on scenes that no training heard."""
