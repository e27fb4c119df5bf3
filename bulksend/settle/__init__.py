"""How it ended: results, and what became of the unknown."""
