import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0003_one_active_session'),
    ]

    operations = [
        migrations.CreateModel(
            name='ClosedDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('created', models.PositiveBigIntegerField(default=0)),
                ('reused', models.PositiveBigIntegerField(default=0)),
                ('rapid_creates', models.PositiveBigIntegerField(default=0)),
                ('context_losses', models.PositiveBigIntegerField(default=0)),
            ],
            options={
                'ordering': ['-day'],
                'abstract': False,
                'constraints': [models.UniqueConstraint(fields=('day',), name='a_day_is_closed_once')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('made_at', models.DateTimeField()),
                ('next_try_at', models.DateTimeField()),
                ('try_count', models.PositiveIntegerField(default=0)),
                ('delivered_at', models.DateTimeField(blank=True, null=True)),
                ('given_up_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.TextField(blank=True, help_text='what went wrong in the latest attempt')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
                'ordering': ['id'],
                'indexes': [models.Index(condition=models.Q(('delivered_at__isnull', True), ('given_up_at__isnull', True)), fields=['next_try_at'], name='deliveries_that_wait'), models.Index(condition=models.Q(('given_up_at__isnull', False)), fields=['given_up_at'], name='deliveries_given_up')],
                'constraints': [models.CheckConstraint(condition=models.Q(('delivered_at__isnull', True), ('given_up_at__isnull', True), _connector='OR'), name='a_delivery_ends_once')],
            },
        ),
        migrations.CreateModel(
            name='SessionHealth',
            fields=[
            ],
            options={
                'verbose_name': 'health',
                'verbose_name_plural': 'health',
                'proxy': True,
                'default_permissions': ('view',),
                'indexes': [],
                'constraints': [],
            },
            bases=('chat.session',),
        ),
        migrations.RemoveConstraint(
            model_name='takeover',
            name='a_takeover_names_user_and_person',
        ),
        migrations.AddField(
            model_name='message',
            name='try_count',
            field=models.PositiveSmallIntegerField(default=0, help_text='how often the automation started to answer'),
        ),
        migrations.AlterField(
            model_name='takeover',
            name='taken_by',
            field=models.CharField(blank=True, help_text='who is answering; empty: nobody yet', max_length=200),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('state', 'received')), fields=['user_id', 'id'], name='messages_that_wait'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('state', 'failed')), fields=['-id'], name='messages_that_failed'),
        ),
        migrations.AddIndex(
            model_name='takeover',
            index=models.Index(condition=models.Q(('ended_at__isnull', True), ('taken_by', '')), fields=['taken_at'], name='users_who_wait_for_a_person'),
        ),
        migrations.AddConstraint(
            model_name='takeover',
            constraint=models.CheckConstraint(condition=models.Q(('user_id', ''), _negated=True), name='a_takeover_names_its_user'),
        ),
        migrations.AddField(
            model_name='delivery',
            name='message',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='chat.message'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(fields=('message',), name='one_delivery_per_message'),
        ),
    ]
