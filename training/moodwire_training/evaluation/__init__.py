"""Scores clips the way the device would, and says how far the scores can be trusted."""
