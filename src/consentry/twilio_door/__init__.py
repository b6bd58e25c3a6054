"""The door that speaks Twilio's REST language: existing programs change one base URL."""
