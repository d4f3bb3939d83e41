"""The daemon: wiring, health, watchdog, remote commands."""
