"""Servers that stand where the portal's partners stand: real processes, at the HTTP edge."""
