"""Stand-ins for the world outside `cld`: real servers on 127.0.0.1 that answer from a script."""
