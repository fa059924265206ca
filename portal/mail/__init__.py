"""Mails of the portal's own: what they say, and handing them over. Sign-in's mails are allauth's."""
