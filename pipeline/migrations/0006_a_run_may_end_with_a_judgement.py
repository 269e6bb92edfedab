"""A run may ask for a language model to judge what it found: when that was done, and why it ended early."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('pipeline', '0005_batches_are_noted_before_they_are_sent')]

    operations = [
        migrations.AlterField(
            model_name="run",
            name="advance_claimed_at",
            field=models.DateTimeField(blank=True, help_text="since when someone merges, groups or judges", null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="judged_at",
            field=models.DateTimeField(
                blank=True,
                help_text="when a language model had judged what it found, where the run asks for that",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="judging_stopped",
            field=models.TextField(
                blank=True, db_default="", default="", help_text="why judging ended before everything was asked"
            ),
        ),
    ]
