"""Signatures have a title: what people see instead of the key."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('pipeline', '0006_a_run_may_end_with_a_judgement')]

    operations = [
        migrations.AddField(
            model_name="signature",
            name="title",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="what people see, in people's own words; empty: none was chosen yet, or a person gave the key",
                max_length=120,
            ),
        ),
        migrations.AddIndex(
            model_name="signature",
            index=models.Index(condition=models.Q(("title", "")), fields=["profile"], name="signatures_without_a_title"),
        ),
    ]
