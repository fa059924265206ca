"""Keys' numbers, which decide the status list that they are in."""

from django.db import connection

from portal.models import IssuedKey


def restart_key_numbers() -> None:
    """Begin at 1 again: PostgreSQL's sequence stays where another test's restored database moved it."""
    assert not IssuedKey.objects.exists()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval(pg_get_serial_sequence('portal_issuedkey', 'id'), 1, false)")
