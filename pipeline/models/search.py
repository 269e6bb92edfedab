"""What full-text search looks in: the words of each conversation, in the form its language gives them."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from pipeline.models.conversation import Conversation, ConversationVersion


class SearchText(models.Model):
    """The words of one conversation as PostgreSQL searches them; made from its current version and its language."""

    conversation = models.OneToOneField(
        Conversation, primary_key=True, on_delete=models.CASCADE, related_name="search_text"
    )
    version = models.ForeignKey(
        ConversationVersion,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="the conversation these words are from",
    )
    config = models.CharField(
        max_length=20, help_text="PostgreSQL's text search configuration for its language; simple: words as they are"
    )
    words = SearchVectorField(help_text="IDs, customer and label as they are, and the text by its language")

    class Meta:
        indexes = [
            # search.find_conversations: the conversations with a word
            GinIndex(fields=["words"], name="conversations_by_word"),
            # search.configs_there: a look into each configuration
            models.Index(fields=["config"], name="search_texts_by_config"),
        ]

    def __str__(self) -> str:
        return f"words of {self.conversation_id}"
