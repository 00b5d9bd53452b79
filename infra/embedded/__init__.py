"""The whole stack on one machine: the same protocols as in production, on loopback."""
