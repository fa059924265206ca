"""The fault campaign: a real portal is killed, frozen, starved and lied to, and nothing may be lost.

``python -m tests.faults --help``. How it works: "The fault campaign" in CONTRIBUTING.md.
"""
