"""MailHog's API (v1, v2), so that who comes from MailHog need not rewrite tests.

It lives beside Mailpit's: only `GET /api/v1/messages` is both, and Mailpit's wins. MailHog's faults (`/api/v2/jim`), release
and other servers have no row: they are 404, as in a MailHog in which they are off.
"""
