"""One file per command: declare options, build one Options dataclass, call one function, show its result."""
