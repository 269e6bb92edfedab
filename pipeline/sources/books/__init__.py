"""Books: a chapter is a conversation and a verse a message, in one language or in several side by side."""
