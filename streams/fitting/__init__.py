"""Models fitted to a whole shop: numpy and scipy are at home here, and no worker imports it."""
