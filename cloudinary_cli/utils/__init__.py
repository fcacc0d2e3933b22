"""Rooms shared by the commands: storage, resolution, views and pure helpers."""
