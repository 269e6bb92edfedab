"""The four roles people log in with. What each may do is a set of permissions, so an administrator can change it."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

LOOKS = ("pipeline", "chat")
REVIEWS = (
    "change_story", "change_orphan", "change_signature", "change_merge", "change_veto", "change_split", "change_move",
    "change_rename", "change_hold", "change_company", "add_comment",
)
OPERATES = ("operate_run", "change_source", "delete_source", "delete_comment")
SCHEDULES = ("periodictask", "intervalschedule", "crontabschedule")
ADMINISTERS = ("user", "group")
FOR_ADMINISTRATORS = ("apitoken", "keyedwrite")  # who may call is an administrator's business: others do not see the list
KEPT_BY_TASKS = ("erasedmark", "erasure", "mappoint", "tally", "thememap")  # no role looks at these rows
RECORDED = ("add_hold", "delete_hold", "add_judgement", "change_judgement", "delete_judgement")  # are not made by hand


def make_roles(apps, schema_editor):
    for label in (*LOOKS, "auth", "django_celery_beat"):
        # permissions are made after all migrations; these are needed now
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    every = Permission.objects.exclude(content_type__app_label="pipeline", content_type__model__in=KEPT_BY_TASKS)
    every = every.exclude(content_type__app_label="pipeline", codename__in=RECORDED)
    seen = every.filter(content_type__app_label__in=LOOKS, codename__startswith="view_")
    looks = [p.pk for p in seen.exclude(content_type__model__in=FOR_ADMINISTRATORS)]
    reviews = [p.pk for p in every.filter(content_type__app_label="pipeline", codename__in=REVIEWS)]
    operates = [p.pk for p in every.filter(content_type__app_label="pipeline", codename__in=OPERATES)]
    operates += [p.pk for p in every.filter(content_type__app_label="django_celery_beat", content_type__model__in=SCHEDULES)]
    administers = [p.pk for p in every.filter(content_type__app_label="auth", content_type__model__in=ADMINISTERS)]
    administers += [p.pk for p in every.filter(content_type__app_label__in=LOOKS)]
    roles = {
        "viewer": looks,
        "reviewer": looks + reviews,
        "operator": looks + reviews + operates,
        "admin": looks + reviews + operates + administers,
    }
    for name, permissions in roles.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*permissions)


class Migration(migrations.Migration):

    dependencies = [
        ('pipeline', '0003_snapshots_are_append_only'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
        ('chat', '0004_deliveries_health_and_closed_days'),
        ('django_celery_beat', '0019_alter_periodictasks_options'),
    ]

    operations = [
        migrations.RunPython(make_roles, migrations.RunPython.noop),
    ]
