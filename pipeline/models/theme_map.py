"""The theme map: where each theme of a profile lies in a picture of all of them."""

from django.db import models

from pipeline.models.theme import Theme


class ThemeMap(models.Model):
    """The map of one profile. `version` counts how often its points were stored: who computed on an older one stops."""

    profile = models.CharField(max_length=50, primary_key=True)
    vector_model = models.CharField(max_length=100, help_text="vectors of different models are never compared")
    version = models.PositiveBigIntegerField(default=0)
    laid_out_count = models.PositiveIntegerField(
        default=0, help_text="how many points there were when all were last laid out together"
    )
    drawn_at = models.DateTimeField(help_text="when points were last stored")

    def __str__(self) -> str:
        return f"map of {self.profile}"


class MapPoint(models.Model):
    """Where one theme lies. A theme lies in one place, and stays there while its map is not laid out again."""

    theme = models.OneToOneField(Theme, primary_key=True, on_delete=models.CASCADE, related_name="map_point")
    map = models.ForeignKey(ThemeMap, on_delete=models.CASCADE, related_name="points")
    x = models.FloatField()
    y = models.FloatField()

    def __str__(self) -> str:
        return f"{self.theme_id} at {self.x:.2f}, {self.y:.2f}"
