"""Which admin site Django makes: ours, with the pages where people review."""

from django.contrib.admin.apps import AdminConfig


class LeitmotifAdminConfig(AdminConfig):
    """Django's admin app with our site in the place of its own."""

    default_site = "pipeline.web.site.LeitmotifSite"
