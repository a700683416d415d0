from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]

    operations = [
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.UniqueConstraint(
                fields=["name"], condition=models.Q(revoked_at__isnull=True), name="access_token_name_once"
            ),
        ),
    ]
