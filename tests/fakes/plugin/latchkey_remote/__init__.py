"""Plugins for the provider of ``tests/fakes/provider``; they use the public contract alone."""
