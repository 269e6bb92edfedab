"""Companies whose web sites are watched: lists of them, and bringing ours in line with one."""
