"""Where things are kept: the only package that speaks SQL."""
