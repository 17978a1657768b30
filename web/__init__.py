"""Showing mail over HTTP: the page, Mailpit's and MailHog's API, and our own.

Knows nothing about files, mailboxes or SMTP: `contract.Inbox` states what it needs.
"""
