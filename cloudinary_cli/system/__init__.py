"""Files, locks, signals, the browser and the host, below everything that knows about Cloudinary."""
