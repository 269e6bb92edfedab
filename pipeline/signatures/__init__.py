"""Pure rules about names and vectors: no database, no network. Each version is frozen once rows carry it."""
