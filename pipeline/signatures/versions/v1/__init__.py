"""Version 1, names-1 assign-1 groups-1. It heeds what people decide as later versions do; the rest is as it was."""
