"""What fields mean: columns, times, roles, speakers, languages, and which messages are one conversation."""
