"""Bonança's own operations beside its peers, interleaved in one run, so that the ratios say something anywhere."""
