"""The page on the device: what is heard now, one recording, the history; and /metrics."""
