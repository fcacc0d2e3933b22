"""The bodies of `cld search` and `cld search_folders`: request, pages and output."""
