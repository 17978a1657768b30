"""The dialect POP3 (RFC 1939): how mail is fetched."""
