"""`cld clone`: copies assets to another cloud."""
