"""Foreign systems that send webhooks or leave files: their mappings and their signatures."""
