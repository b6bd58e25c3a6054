"""SignalWire, by its Compatibility API, which is Twilio's."""
