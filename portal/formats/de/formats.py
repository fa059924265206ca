"""Days and instants as German pages write them (Django's format characters)."""

DATE_FORMAT = "j. N Y"
DATETIME_FORMAT = "j. N Y, H:i"
SHORT_DATE_FORMAT = "j. N"
TIME_FORMAT = "H:i"
