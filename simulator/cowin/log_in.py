"""The citizen's log-in: a one-time password by text message, then a token."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final

from simulator.cowin.access import issue_token
from simulator.cowin.form import Form
from simulator.cowin.refusals import Code, Refused
from simulator.cowin.register import Message, Register
from simulator.exchange import Call, Reply, json_reply

OTP_LIFE_S: Final = 180
MOBILE: Final = r"[6-9]\d{9}"


def send_otp(register: Register, call: Call) -> Reply:
    """Send a one-time password to a mobile; the message is to be read on the control port."""
    mobile = Form(call.body).text("mobile", MOBILE)
    late_s = register.rules.otp_late_s
    arrives_at = None if late_s is None else call.at + int(late_s * 1000)
    message = Message(mobile, f"{register.draw.randrange(10**6):06}", register.new_uuid(), arrives_at, call.at + OTP_LIFE_S * 1000)
    register.messages[message.transaction] = message
    return json_reply(200, {"txnId": message.transaction})


def confirm_otp(register: Register, call: Call) -> Reply:
    """Exchange the SHA-256 of a password, once, for a token."""
    form = Form(call.body)
    transaction, digest = form.text("txnId"), form.text("otp")
    message = register.messages.get(transaction)
    if message is None or message.expires_at <= call.at or not hmac.compare_digest(_digest(message), digest.lower().encode()):
        raise Refused(Code.WRONG_OTP)
    del register.messages[transaction]
    return json_reply(200, {"token": issue_token(message.mobile, call.at, register.secret)})


def _digest(message: Message) -> bytes:
    return sha256(message.otp.encode()).hexdigest().encode()
