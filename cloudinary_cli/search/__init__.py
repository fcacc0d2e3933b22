"""The implementation of `cld search` and `cld search_folders`."""
