"""A remote provider of credentials: an HTTP server that keeps its own ledger and fails on demand.

It doubles whatever it is asked to create twice: only its clients can keep things from doubling.
"""
