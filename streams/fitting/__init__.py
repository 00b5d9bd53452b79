"""Models fitted to a whole shop: scipy is at home here, and no worker imports it."""
