"""JSON Web Tokens as such: keys, key sets, verification, status lists, durations.

Needs PyJWT and cryptography only, so gateways can carry it without the portal.
"""
