"""Fitting of BG/NBD, Gamma-Gamma and thresholds to purchase histories by maximum likelihood."""
