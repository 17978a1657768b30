"""What clients do against the RFCs, found out beside a session (--fussy)."""
