"""Grafana's boards, generated from the views of the archive."""
