"""The pages under ``/settings``: profile, security, notifications, access tokens, a person's own facts."""
