"""Foreign payloads into events, as mapping files say."""
