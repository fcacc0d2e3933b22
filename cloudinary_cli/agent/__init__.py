"""The implementation of `cld agent`: accounts and Claimable Clouds."""
