"""An AWS Lambda authorizer for customers' keys; imports nothing but ``tokens`` and the standard library."""
