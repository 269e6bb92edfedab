from django.apps import AppConfig


class PipelineConfig(AppConfig):
    name = "pipeline"

    def ready(self) -> None:
        from pipeline.runs import checks  # noqa: F401  registers them
        from pipeline.web import admin  # noqa: F401  Django looks for an admin module at the top of an app only
