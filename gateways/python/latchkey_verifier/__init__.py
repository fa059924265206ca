"""Checks customers' keys in API servers: of itself, with the portal's published keys and status lists."""

from latchkey_verifier.portal import key_checker
from latchkey_verifier.verifier import PortalVerifier, Refused
from tokens.checker import CheckedKey, KeyChecker

__all__ = ["CheckedKey", "KeyChecker", "PortalVerifier", "Refused", "key_checker"]
