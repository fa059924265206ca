"""Our signing keys: staged, active, retiring, retired; revoked at once from any state."""
