"""Sources that are asked rather than handed over: helpdesks, databases, feeds; and where calls may lead."""
