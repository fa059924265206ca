"""What gateways fetch: byte snapshots, answered ahead of Django's middleware."""
