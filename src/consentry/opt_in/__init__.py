"""The door for people who want to be texted: hosted opt-in pages, and forms for other pages."""
