"""Bytes to values and back: pure codecs shared by the product and the simulator."""
