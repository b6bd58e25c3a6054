"""`consentry bench`: measures the product on this machine, on loopback, as ratios of one run."""
