"""The pages under ``/keys``: list, create, look at, reveal, rotate, revoke."""
