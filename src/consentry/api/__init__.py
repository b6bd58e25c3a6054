"""The HTTP door for programs and for carriers."""
