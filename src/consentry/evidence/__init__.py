"""The evidence bundle: what is known of one number's consent, in a file that proves itself."""
