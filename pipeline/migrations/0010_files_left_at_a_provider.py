"""Files of batches that nobody needs any more are rows until the provider has deleted them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pipeline', '0009_registry_strict'),
    ]

    operations = [
        migrations.CreateModel(
            name='LeftFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('base_url', models.CharField(max_length=500)),
                ('file_id', models.CharField(help_text="the provider's ID for it", max_length=200)),
                ('left_at', models.DateTimeField(help_text='when it was no longer needed')),
                ('tried_at', models.DateTimeField(blank=True, help_text='when it was last tried to delete it', null=True)),
                ('problem', models.TextField(blank=True, db_default='', default='', help_text='why that did not succeed')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('base_url', 'file_id'), name='one_row_per_file_at_a_provider')],
            },
        ),
    ]
