from django.conf import settings
from django.db import models


class Note(models.Model):
    """A note of a user. Their username is the canonical id, however they signed in."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    team = models.CharField(max_length=36, blank=True)
    text = models.TextField()

    def as_json(self) -> dict:
        return {"author": self.author.username, "team": self.team, "text": self.text}
