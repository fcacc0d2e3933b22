"""Bulk transfers: scan and remote listing, a pure plan, an executor, a report."""
