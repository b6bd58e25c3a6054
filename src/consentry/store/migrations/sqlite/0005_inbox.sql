-- One index for a sender's texts in both directions, in the place of two: each text pays for each.

DROP INDEX messages_inbound;

DROP INDEX messages_of_sender;

CREATE INDEX messages_of_sender ON messages (sender, direction);
