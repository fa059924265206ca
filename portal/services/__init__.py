"""All writes, one transaction each, with its audit row. A noun a file."""
