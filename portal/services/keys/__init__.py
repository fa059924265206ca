"""What happens to a key: requested, activated, revealed, rotated, revoked. A verb a file."""
