"""``make demo``: a month of a company that sells weather and maps, told through the services."""
