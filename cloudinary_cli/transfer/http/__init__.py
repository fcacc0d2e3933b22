"""HTTP uploads and downloads."""
