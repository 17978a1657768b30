"""A store in a PostgreSQL cluster with quorum commit: stored means flushed on two machines' disks."""
