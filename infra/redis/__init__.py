"""Dialogue state in Redis: profiles, watermarks, deadlines and transition counts."""
