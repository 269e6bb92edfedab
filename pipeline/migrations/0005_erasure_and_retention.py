import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


# A snapshot is evidence and cannot be put right afterwards; what it says may be erased, and then nothing else changes.
ERASABLE = """
CREATE OR REPLACE FUNCTION pipeline_snapshot_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.title = '' AND NEW.content_hash = 'erased-' || OLD.id AND (NEW.company_url_id, NEW.version_id, NEW.first_seen_at)
       IS NOT DISTINCT FROM (OLD.company_url_id, OLD.version_id, OLD.first_seen_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'snapshots_are_append_only: a snapshot cannot be changed' USING ERRCODE = 'restrict_violation';
END $$;
"""
NOT_ANY_MORE = """
CREATE OR REPLACE FUNCTION pipeline_snapshot_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'snapshots_are_append_only: a snapshot cannot be changed' USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('pipeline', '0004_roles'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='call',
            name='erased_at',
            field=models.DateTimeField(blank=True, help_text='since when the answer is gone, for good', null=True),
        ),
        migrations.AddField(
            model_name='conversationversion',
            name='erased_at',
            field=models.DateTimeField(blank=True, help_text='since when its text is gone: a customer asked, or it was kept long enough', null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='removed_count',
            field=models.PositiveIntegerField(db_default=0, help_text='skipped items that retention removed; they count as skipped'),
        ),
        migrations.AddField(
            model_name='theme',
            name='erased_at',
            field=models.DateTimeField(blank=True, help_text='when its vector was replaced by one that says nothing about the text', null=True),
        ),
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField()),
                ('operator', models.CharField(blank=True, help_text='account on the machine that ran the command; empty if done on a page', max_length=200)),
                ('counts', models.JSONField(default=dict, help_text='number of rows by kind: conversations, quotes, messages ...')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ErasedMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('conversation', 'Conversation'), ('customer', 'Customer')], max_length=20)),
                ('digest', models.CharField(help_text='HMAC-SHA256 under SECRET_KEY, in hexadecimal', max_length=64)),
                ('erasure', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='marks', to='pipeline.erasure')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('kind', 'digest'), name='one_mark_per_erased_thing')],
            },
        ),
        migrations.RunSQL(ERASABLE, NOT_ANY_MORE),
    ]
