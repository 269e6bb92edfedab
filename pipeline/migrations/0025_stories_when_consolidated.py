from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('pipeline', '0024_roles'),
    ]

    operations = [
        migrations.AddField(
            model_name="registry",
            name="consolidated_stories",
            field=models.PositiveIntegerField(
                default=0, help_text="how many signatures then had themes enough for a story"
            ),
        ),
    ]
