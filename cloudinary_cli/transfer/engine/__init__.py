"""The parts that all bulk commands share: the run, the executor, filters and the report."""
