"""What an undo found of a step that never ended, kept before it takes any of it back."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("durable", "0004_waiting")]

    operations = [
        migrations.AddField(model_name="planstep", name="found", field=models.JSONField(null=True)),
    ]
