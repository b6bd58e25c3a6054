-- A text is a repeat only of the same person's: a carrier that gives an id twice must not make
-- somebody's STOP a repeat of what another person wrote.
DROP INDEX messages_received;

CREATE UNIQUE INDEX messages_received ON messages (carrier_message_id, carrier, recipient)
WHERE direction = 'inbound' AND carrier_message_id IS NOT NULL;
