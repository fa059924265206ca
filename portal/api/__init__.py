"""The management API: parse, authorise, call one service, render."""
