"""The one fault that storage knows: something in the environment keeps a message from being stored."""


class StorageError(Exception):
    """A message could not be stored: nothing of it is in any mailbox. The text says what, where and why."""
