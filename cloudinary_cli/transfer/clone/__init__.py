"""`cld clone`: copies of assets in another cloud."""
