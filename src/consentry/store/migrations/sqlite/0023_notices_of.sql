-- An erasure looks for what programs could not be told of a number: there may be hundreds of thousands
-- of these, and none when programs are there. What waits is not in it, so a text costs nothing more.
CREATE INDEX notices_of ON notices (recipient) WHERE state = 'given_up';
