"""A program may have a file imported without a run: what became of its rows, and whether a worker is at it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pipeline', '0007_titles_of_signatures'),
    ]

    operations = [
        migrations.AddField(
            model_name='upload',
            name='counts',
            field=models.JSONField(blank=True, db_default={}, default=dict, help_text='rows by what became of them: new, updated, unchanged, rejected'),
        ),
        migrations.AddField(
            model_name='upload',
            name='heartbeat_at',
            field=models.DateTimeField(blank=True, help_text='the last sign of life of the worker that imports it; empty: none has begun', null=True),
        ),
        migrations.AddField(
            model_name='upload',
            name='sent_at',
            field=models.DateTimeField(blank=True, help_text='when a worker was last asked to import it', null=True),
        ),
        migrations.AddField(
            model_name='upload',
            name='source',
            field=models.ForeignKey(blank=True, help_text='where its rows went', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='pipeline.source'),
        ),
        migrations.AlterField(
            model_name='upload',
            name='choice',
            field=models.JSONField(blank=True, default=dict, help_text='how it is to be imported, and what run is wanted of it, if any'),
        ),
        migrations.AlterField(
            model_name='upload',
            name='state',
            field=models.CharField(choices=[('arriving', 'Arriving'), ('kept', 'Kept'), ('importing', 'Importing'), ('imported', 'Imported'), ('started', 'Started'), ('failed', 'Failed')], default='kept', max_length=10),
        ),
    ]
