"""From a trained network to a bundle the device can trust."""
