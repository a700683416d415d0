from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("oncall", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="page",
            name="occasion",
            field=models.CharField(blank=True, db_default="", default="", max_length=60),
        ),
        migrations.RemoveConstraint(
            model_name="page",
            name="oncall_paged_once_per_incident",
        ),
        migrations.AddConstraint(
            model_name="page",
            constraint=models.UniqueConstraint(
                fields=("incident_id", "email", "occasion"), name="oncall_paged_once_per_occasion"
            ),
        ),
    ]
