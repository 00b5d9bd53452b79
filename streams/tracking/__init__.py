"""The tracking protocol of Segment, which RudderStack speaks too: request bodies into events."""
