"""The pages under ``/team``: members, invitations, roles, removal, ownership."""
