"""Rotation under load: signing keys change every few seconds while gateways verify."""
