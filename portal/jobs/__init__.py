"""The engine: claims operations, runs plugins with no transaction open, survives crashes."""
