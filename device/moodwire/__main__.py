"""`python -m moodwire` is the `moodwire` command."""

from moodwire.cli import main

main(prog_name="moodwire")
