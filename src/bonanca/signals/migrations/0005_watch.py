from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("signals", "0004_supervision"),
    ]

    operations = [
        migrations.AlterField(
            model_name="alert",
            name="door",
            field=models.CharField(
                choices=[
                    ("slo", "objective"),
                    ("alertmanager", "Alertmanager API"),
                    ("manual", "person"),
                    ("readiness", "readiness"),
                    ("supervision", "supervision"),
                    ("watch", "reinforced watch"),
                ],
                max_length=16,
            ),
        ),
    ]
