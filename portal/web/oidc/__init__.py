"""Sign-in with an identity provider (OpenID Connect), on allauth's provider of that kind."""
