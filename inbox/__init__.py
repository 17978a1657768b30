"""Reading mail: MIME, and the search language.

All in it came from outside. Nothing here raises over what a mail says, and nothing takes more time or memory than the mail's
size gives reason for. Knows nothing about HTTP, SMTP, files, or an index.
"""
