"""Floor 0: the tree, ways of walking it, and the oracle that says what it means."""
