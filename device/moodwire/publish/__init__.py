"""How events leave the device: topics, outbox, MQTT, Home Assistant, console."""
