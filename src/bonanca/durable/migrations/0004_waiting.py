"""What a held plan waits for."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("durable", "0003_steering")]

    operations = [
        migrations.AddField(model_name="planrun", name="waits_for", field=models.JSONField(null=True)),
    ]
