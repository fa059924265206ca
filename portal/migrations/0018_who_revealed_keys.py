"""Fills ``revealed_by`` from the audit log, as far as it reaches back."""

from django.db import migrations

BATCH = 1000


def fill(apps, schema_editor):
    events = apps.get_model("portal", "AuditEvent").objects.filter(action="key.revealed")
    keys = apps.get_model("portal", "IssuedKey").objects
    last = 0
    while batch := list(events.filter(pk__gt=last).order_by("pk").values_list("pk", "object", "actor")[:BATCH]):
        for _, public_id, actor in batch:
            keys.filter(public_id=public_id, revealed_by="").update(revealed_by=actor)
        last = batch[-1][0]


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("portal", "0017_key_revealed_by"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
