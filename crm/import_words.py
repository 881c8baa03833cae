"""What people call our properties and object types in the files they bring."""

from __future__ import annotations

PEOPLE = dict.fromkeys(("sales_agent", "agent", "sales_rep", "assigned_to", "owner_name"), "owner")
COMPANY = dict.fromkeys(("account", "account_name", "organisation", "organization"), "company")

#: By object type: a column's name → a property, or the object type its values name a record of.
WORDS: dict[str, dict[str, str]] = {
    "contact": PEOPLE
    | COMPANY
    | {
        "e_mail": "email",
        "email_address": "email",
        "mail": "email",
        "firstname": "first_name",
        "given_name": "first_name",
        "lastname": "last_name",
        "surname": "last_name",
        "family_name": "last_name",
        "telephone": "phone",
        "phone_number": "phone",
        "cell": "mobile",
        "title": "job_title",
        "position": "job_title",
        "company_name": "company",
    },
    "company": PEOPLE
    | {
        "account": "name",
        "account_name": "name",
        "company": "name",
        "company_name": "name",
        "website": "domain",
        "sector": "industry",
        "revenue": "annual_revenue",
        "headcount": "employees",
        "number_of_employees": "employees",
        "office_location": "country",
    },
    "deal": PEOPLE
    | COMPANY
    | {
        "deal_name": "name",
        "opportunity": "name",
        "deal_stage": "stage",
        "close_value": "amount",
        "value": "amount",
        "deal_amount": "amount",
        "closing_date": "close_date",
    },
    "ticket": PEOPLE | COMPANY | {"title": "subject", "ticket_status": "status"},
    "task": PEOPLE | {"subject": "title", "due_date": "due_at", "due": "due_at"},
    "note": PEOPLE | {"text": "body", "note": "body"},
    "meeting": PEOPLE | COMPANY | {"subject": "title", "start": "starts_at", "end": "ends_at", "notes": "body"},
    "call": PEOPLE | COMPANY | {"subject": "title", "date": "happened_at", "phone": "number", "notes": "body"},
    "email": PEOPLE | COMPANY | {"title": "subject", "from": "sender", "to": "recipients", "date": "sent_at"},
    "line_item": {"product": "name", "price": "unit_price", "discount_percent": "discount", "qty": "quantity"},
    "quote": PEOPLE | COMPANY | {"title": "name", "total": "amount", "expiration_date": "expires_on"},
    "recurring_subscription": PEOPLE | COMPANY | {"plan": "name", "frequency": "billing_frequency"},
    "payment": PEOPLE | COMPANY | {"payment_id": "reference", "date": "paid_at", "payment_method": "method"},
    "invoice": PEOPLE | COMPANY | {"invoice_number": "number", "total": "amount", "due_date": "due_on"},
    "feedback_submission": PEOPLE | COMPANY | {"survey_name": "survey", "rating": "score", "comment": "text"},
    "lead": PEOPLE | COMPANY | {"title": "name", "status": "stage"},
    "project": PEOPLE | COMPANY | {"title": "name", "due_date": "due_on", "start_date": "starts_on"},
}
