"""carteiro's own API: waiting for mail, streams of changes, deleting with a way back, health; and the description of all
that programs can ask for.
"""
