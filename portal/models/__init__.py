"""All models, so that Django finds them in one place."""

from portal.models.admission import AdmissionCount, AdmissionSlot
from portal.models.audit import AuditEvent, AuditHead
from portal.models.customer import Customer
from portal.models.daily_use import DailyUse
from portal.models.data_key import DataKey
from portal.models.idempotency import IdempotencyRecord
from portal.models.invitation import Invitation
from portal.models.issued_key import IssuedKey
from portal.models.known_device import KnownDevice
from portal.models.management_token import ManagementToken
from portal.models.notice import Notice
from portal.models.operation import Call, Operation, ProviderAccount
from portal.models.phone_token import PhoneToken
from portal.models.plan import Plan, Subscription
from portal.models.plan_request import PlanRequest
from portal.models.signing_key import SigningKey
from portal.models.status_list import StatusList, StatusListChange
from portal.models.user import Membership, User
from portal.models.worker import PluginState, RateBucket, ScheduledJob, WorkerSeen

__all__ = [
    "AdmissionCount", "AdmissionSlot", "AuditEvent", "AuditHead", "Call", "Customer", "DailyUse", "DataKey",
    "IdempotencyRecord", "Invitation", "IssuedKey", "KnownDevice", "ManagementToken", "Membership", "Notice",
    "Operation", "PhoneToken", "Plan", "PlanRequest", "PluginState", "ProviderAccount", "RateBucket",
    "ScheduledJob", "SigningKey", "StatusList", "StatusListChange", "Subscription", "User", "WorkerSeen",
]  # fmt: skip
