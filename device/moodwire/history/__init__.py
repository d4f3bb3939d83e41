"""How moods move with the hour and the weekday: opt-in, on the device, really forgettable."""
