"""Every recipe under gateways/ with the real gateway or library; hostile tokens and a rotation for each."""
