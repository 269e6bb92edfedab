"""The REST API for programs, below /api/v1/; a file a noun.

A route checks what comes in, calls the function that the pages and commands call, and shows what came of it; nothing is
decided here. Who may enter is said in `door`, what an error looks like in `problems`, how a list is paged in `paging`,
and how a write that is sent twice happens once in `once`. `routes` puts it together.
"""
