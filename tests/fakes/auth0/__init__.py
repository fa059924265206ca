"""A strict Auth0 tenant: HTTPS, its own ledger, real RS256 tokens, and failures on demand.

What it demands and forgives is what Auth0's documents say of the Management API; where they leave
something open it takes the stricter reading.
"""
