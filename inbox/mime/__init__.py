"""Reading one mail, whatever octets it has: fields, parts, text. Knows nothing about mailboxes."""
