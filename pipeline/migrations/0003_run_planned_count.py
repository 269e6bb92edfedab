from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0002_signature_root")]
    operations = [
        migrations.AddField(
            model_name="run",
            name="planned_count",
            field=models.PositiveIntegerField(
                blank=True, help_text="items it was planned with; if there are fewer now, some were lost", null=True
            ),
        )
    ]
