"""From window probabilities to moods that people can trust: pure, time is handed in."""
