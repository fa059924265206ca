"""Days and instants as English pages write them (Django's format characters)."""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y, H:i"
SHORT_DATE_FORMAT = "j M"
TIME_FORMAT = "H:i"
