"""`cld check`: compares a local folder with a Cloudinary folder. Its tables take less memory than records."""
