from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("portal", "0019_phone_tokens"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="issuedkey",
            index=models.Index(
                fields=["customer", "status", "expires_at", "retires_at", "user", "plugin"],
                name="key_of_customer_counted",
            ),
        ),
        migrations.AddIndex(
            model_name="issuedkey",
            index=models.Index(fields=["customer", "activated_at"], name="key_of_customer_by_start"),
        ),
        migrations.RemoveIndex(model_name="issuedkey", name="key_of_customer_by_status"),
    ]
