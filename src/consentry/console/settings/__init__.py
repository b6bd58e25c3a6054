"""Settings: who texts, in which words, by which rules, and who may use the console."""
