from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.db.models import F, Q

SCOPES = [
    ("read", "read messages, sessions and takeovers"),
    ("write", "send messages, end sessions, take over"),
    ("metrics", 'read the metrics'),
]


class Migration(migrations.Migration):
    dependencies = [("chat", "0005_escalated_users_wait")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="scopes",
            field=ArrayField(
                models.CharField(choices=SCOPES, max_length=20),
                default=["metrics", "read", "write"],  # what a token could do so far
                help_text='what it can be used for; one or several',
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="apitoken",
            name="expires_at",
            field=models.DateTimeField(
                blank=True, help_text='when it expires; empty: never', null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                condition=~Q(scopes=[]) & Q(scopes__contained_by=["read", "write", "metrics"]),
                name="a_token_may_be_used_for_something_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("made_at")),
                name="a_token_expires_after_it_was_made",
            ),
        ),
    ]
