"""Object storage: lists, plans, results and reports at ``s3://``, ``gs://`` and ``az://``.

Whatever is read is a file of this machine first, and whatever is written was one: so
nothing else needs to know where a list or a result is.

    location   an address in object storage, and what it may look like      pure
    access     the environment's credentials, as obstore wants them         pure
    trouble    what a store says, as our own problems                       pure
    objects    list, get, create-only and compare-and-swap put
    spool      what was fetched, kept by its version
"""
