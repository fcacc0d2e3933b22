"""Creation of accounts and of claimable clouds."""
