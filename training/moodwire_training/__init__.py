"""From corpora to a trained network: everything that happens on the workstation."""
