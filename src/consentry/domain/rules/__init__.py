"""Law and industry rules as data: rows, places and their zones, hours, caps, calendars.

Rows are in `domain/data/rules.json`; nothing here names a state. Sources: `3-rules.md`.
"""
