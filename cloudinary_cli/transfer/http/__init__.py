"""Uploads, downloads and their files."""
