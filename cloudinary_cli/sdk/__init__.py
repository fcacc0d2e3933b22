"""The only code that touches the SDK: loading, activation, calls, pages and delivery URLs."""
