"""The pages under ``/settings/tokens``: what scripts of the current customer authenticate with."""
