"""What things cost on this machine: one module per `moodwire bench` command."""
