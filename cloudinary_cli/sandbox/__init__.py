"""A local stand-in for Cloudinary that listens on a loopback address only."""
