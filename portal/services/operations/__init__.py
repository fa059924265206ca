"""Operations: queued with their change, run under a lease, retried or cancelled by people."""
