"""What the product does: one file per thing, one transaction each."""
