"""Reviewers say how a company fares, as they say what a story is."""

from django.db import migrations


def let_reviewers_decide(apps, schema_editor):
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    right = Permission.objects.get(content_type__app_label="pipeline", codename="change_company")
    for group in Group.objects.filter(name__in=("reviewer", "operator", "admin")):
        group.permissions.add(right)


class Migration(migrations.Migration):

    dependencies = [
        ('pipeline', '0008_roles_see_judgements'),
    ]

    operations = [
        migrations.RunPython(let_reviewers_decide, migrations.RunPython.noop),
    ]
