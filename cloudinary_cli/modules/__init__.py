"""One file per bulk command (make, sync, clone and the like); loaded by name from cli_group."""
