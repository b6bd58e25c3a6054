"""What all carriers share: the way out over HTTP, the composed carrier, tables of refusals."""
