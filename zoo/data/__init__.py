"""Records of items, pairs made of them, pictures read from files, and the cache of what is computed of them."""
