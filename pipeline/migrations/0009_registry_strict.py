"""Whether a profile keeps conversations out of stories that only loosely fit them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('pipeline', '0008_uploads_imported_without_a_run')]

    operations = [
        migrations.AddField(
            model_name="registry",
            name="strict",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="conversations that only loosely fit a story stay outside; changed by `regroup --strict`",
            ),
        ),
        migrations.AddField(
            model_name="mergepass",
            name="strict",
            field=models.BooleanField(
                db_default=False, default=False, help_text="whether what only loosely fits a story was kept outside"
            ),
        ),
    ]
