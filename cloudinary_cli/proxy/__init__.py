"""The reverse proxy of `cld exec`: programs use a saved login without seeing its tokens."""
