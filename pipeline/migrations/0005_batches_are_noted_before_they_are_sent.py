"""A batch is a row before it is sent, so that one whose sender died is found again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('pipeline', '0004_roles')]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="claim",
            field=models.CharField(
                db_default="",
                help_text="the delivery that sends it; while it lives nobody looks for it",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="batch",
            name="file_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="the provider's ID for the file of questions",
                max_length=200,
            ),
        ),
        migrations.AlterField(
            model_name="batch",
            name="remote_id",
            field=models.CharField(
                blank=True,
                help_text="the provider's ID for the batch; empty until it was accepted",
                max_length=200,
            ),
        ),
    ]
