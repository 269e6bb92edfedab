"""The roles of 0004 see holds and judgements, and reviewers undo holds as they undo other decisions."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEES = ("view_hold", "view_judgement")
UNDOES = ("change_hold",)
GRANTED = {"viewer": SEES, "reviewer": SEES + UNDOES, "operator": SEES + UNDOES, "admin": SEES + UNDOES}


def grant(apps, schema_editor):
    config = apps.get_app_config("pipeline")
    config.models_module = True  # permissions are made after all migrations; these are needed now
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    ours = Permission.objects.filter(content_type__app_label="pipeline")
    for role in Group.objects.filter(name__in=GRANTED):
        role.permissions.add(*ours.filter(codename__in=GRANTED[role.name]))


class Migration(migrations.Migration):
    dependencies = [('pipeline', '0007_judgements')]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
