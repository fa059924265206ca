"""The pages under ``/plans``: the catalogue, and asking for another plan."""
