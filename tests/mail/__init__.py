"""What the portal writes, and a mail server that takes it."""
