"""Plugins that turn "this customer may use the API" into a credential. Needs no Django."""
