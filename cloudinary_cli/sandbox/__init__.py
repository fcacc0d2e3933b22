"""A local, loopback-only stand-in for Cloudinary; knows nothing of the commands that talk to it."""
