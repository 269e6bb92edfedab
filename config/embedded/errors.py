"""What goes wrong with the embedded servers."""


class EmbeddedError(RuntimeError):
    """A server could not be brought up; the message says which, why, and what to try."""
