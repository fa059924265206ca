"""How many may come in a while: what each limit has let in lately."""

from django.db import models


class AdmissionCount(models.Model):
    """How many of a subject were let in so far. Its row's lock lets one decide at a time."""

    subject = models.CharField(max_length=48)
    number = models.BigIntegerField()
    free_at = models.FloatField()
    """When none of the subject's slots is taken any more, unless somebody else comes."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject"], name="one_admission_count_a_subject")]

    def __str__(self) -> str:
        return self.subject


class AdmissionSlot(models.Model):
    """One of as many places as a limit has; taken until ``free_at`` (seconds since the epoch)."""

    subject = models.CharField(max_length=48)
    slot = models.IntegerField()
    free_at = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "slot"], name="one_admission_slot_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.slot}"
