"""What a bundle of evidence says: one value made of entries, texts, receipts and wordings."""
