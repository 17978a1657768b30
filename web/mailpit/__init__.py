"""Mailpit's API v1 (https://mailpit.axllent.org/docs/api-v1/), so that its clients work unchanged.

Where Mailpit has flaws the right thing is done instead: a search that cannot be read finds nothing to delete. What has no
row is 404, as in a Mailpit in which it is off: the checks of HTML, of links and for spam, which fetch what a mail names.
"""
