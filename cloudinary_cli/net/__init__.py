"""HTTP connections and retries, shared by all senders."""
