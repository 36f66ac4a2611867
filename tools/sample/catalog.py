"""What the invented company is made of: its names, pages, campaigns, prices and planted effects.

Everything here is a constant. A number that a test or an analysis should find again in the data
stands in `PLANTED`, which is also written to the truth table `effects`.
"""

from __future__ import annotations

import json

SITE = "https://www.tallyport.test"
INTERNAL_DOMAIN = "example-internal.test"

# ---------------------------------------------------------------- planted effects and shares

PLANTED: dict[str, tuple[float, str]] = {
    "experiment_signup_button_relative_lift": (
        0.40,
        "Treatment multiplies a visitor's sign-up probability by 1 + this, on the first visit only",
    ),
    "experiment_treatment_share": (0.50, "Share of exposed visitors who see the treatment"),
    "experiment_both_variants_share": (
        0.03,
        "Share of exposed visitors with a second visit who are shown the other variant there",
    ),
    "review_reader_signup_multiplier": (
        1.60,
        "Visitors who read /reviews on the first visit sign up this many times as often; "
        "they chose to, so this is selection and not cause",
    ),
    "mobile_signup_multiplier": (0.75, "Sign-up probability on a mobile first device"),
    "weekly_leave_hazard_breadth_0": (0.50, "Weekly chance to stop using, no feature"),
    "weekly_leave_hazard_breadth_1_2": (0.25, "Weekly chance to stop using, 1-2 features"),
    "weekly_leave_hazard_breadth_3_4": (0.15, "Weekly chance to stop using, 3-4 features"),
    "weekly_leave_hazard_breadth_5_7": (0.02, "Weekly chance to stop using, 5-7 features"),
    "weekly_leave_hazard_breadth_8_plus": (0.04, "Weekly chance to stop using, 8+ features"),
    "pay_intent_breadth_0": (0.05, "Chance to mean to pay, no feature"),
    "pay_intent_breadth_1_2": (0.15, "Chance to mean to pay, 1-2 features"),
    "pay_intent_breadth_3_4": (0.30, "Chance to mean to pay, 3-4 features"),
    "pay_intent_breadth_5_7": (0.65, "Chance to mean to pay, 5-7 features"),
    "pay_intent_breadth_8_plus": (0.60, "Chance to mean to pay, 8+ features"),
    "email_verified_share": (0.82, "Share of sign-ups who verify their e-mail"),
    "onboarding_step_pass_share": (0.85, "Chance to complete each onboarding step once reached"),
    "trial_request_share": (0.55, "Share of sign-ups who request a trial"),
    "account_member_share": (0.15, "Share of sign-ups who belong to an account"),
    "return_share": (0.18, "Share of leavers who come back after 65 to 240 days away"),
    "payment_failed_share": (0.05, "Chance that a payment fails at first, outside the incident"),
    "payment_failed_share_incident": (
        0.90,
        "Chance that a mobile payment fails at first, in the incident",
    ),
    "payment_recovered_share": (0.70, "Chance that a failed payment succeeds on a retry"),
    "payment_recovered_share_incident": (0.15, "The same on mobile in the incident"),
    "sale_order_share": (
        0.25,
        "Chance that an active user goes to the checkout of the sale during which mobile "
        "payments break down",
    ),
    "viral_arrival_share": (0.06, "Visitors brought by the viral blog post, of all others"),
    "viral_signup_base": (0.03, "Sign-up base rate of visitors of the viral post"),
    "arrival_growth_factor": (2.5, "Daily arrivals at the end of the period over the start"),
    "refund_share": (0.12, "Share of one-off orders that are refunded, in part or whole"),
    "cookie_loss_share_web": (0.05, "Chance, per browser session, that the cookie is new"),
    "cookie_loss_share_app": (0.01, "Chance, per app session, of a new install id"),
    "clock_skew_device_share": (0.04, "Share of devices whose clock is wrong by 1 to 12 hours"),
    "internal_share": (0.012, "Share of sign-ups who are staff, with an internal mail domain"),
    "second_user_share": (
        0.05,
        "Share of persons who would use a second user id, same e-mail, on a second browser",
    ),
    "message_digest_share": (0.30, "Share of persons, by a coin, who get the monthly digest"),
    "message_sunset_days": (90, "Days after leaving from which on no digest or push is queued"),
    "message_no_consent_share": (0.06, "Share of persons who allow no marketing messages"),
    "message_holdout_share": (0.05, "Share of persons held out from all but service messages"),
    "message_frequency_cap_hours": (
        24,
        "A message that is no service message is held back so soon after another e-mail",
    ),
    "message_bounce_share": (0.03, "Share of sent messages that bounce"),
    "message_hard_bounce_share": (0.40, "Share of bounces that are hard; these end the sending"),
    "message_open_share_welcome": (0.55, "Share of delivered messages opened, by man or machine"),
    "message_open_share_onboarding_reminder": (0.42, "The same of the onboarding reminder"),
    "message_open_share_trial_ending": (0.48, "The same of the notice that a trial ends"),
    "message_open_share_win_back": (0.22, "The same of the win-back mail"),
    "message_open_share_monthly_digest": (0.30, "The same of the monthly digest"),
    "message_open_share_release_push": (0.12, "The same of the push about a release"),
    "message_machine_open_share": (0.25, "Share of opened messages that only a machine opened"),
    "message_click_share": (0.20, "Share of messages opened by a human that are clicked"),
    "message_unsubscribe_share": (0.02, "Share of e-mails opened by a human that end in leaving"),
    "message_complaint_share": (0.004, "Share of e-mails opened by a human called spam"),
    "support_first_week_share": (
        0.15,
        "Chance of a contact in the week after sign-up; a coin for all alike, so it says nothing "
        "about who stays: any difference between who asked for help and who did not is chance",
    ),
    "support_weekly_share": (0.02, "Chance of a contact in each later week of use"),
    "support_share_after_failed_payment": (
        0.50,
        "Chance of a contact about billing within two days of a failed payment in the incident",
    ),
    "support_chatbot_contained_share": (
        0.60,
        "Share of chatbot contacts without a hand-over and without another contact for a week",
    ),
    "support_complaint_share": (0.08, "Share of contacts that are complaints"),
    "support_complaint_share_failed_payment": (0.50, "The same after a payment of the incident"),
    "support_csat_response_share": (0.35, "Share of resolved contacts that are rated"),
    "support_csat_mean_under_1_hour": (4.4, "Mean rating, first reply within an hour"),
    "support_csat_mean_1_to_24_hours": (3.7, "Mean rating, first reply in 1 to 24 hours"),
    "support_csat_mean_over_24_hours": (2.8, "Mean rating, first reply after 24 hours"),
    "support_cost_article": (0.0, "Cost of one article read, EUR"),
    "support_cost_chatbot": (0.2, "Cost of a chatbot contact, EUR"),
    "support_cost_live_chat": (6.0, "Cost of a live chat, EUR"),
    "support_cost_ticket": (12.0, "Cost of a ticket, EUR"),
    "support_cost_phone": (15.0, "Cost of a phone call, EUR"),
    "support_cost_email": (9.0, "Cost of an e-mail to support, EUR"),
    "support_cost_social": (5.0, "Cost of a contact in a social network, EUR"),
    "nps_response_share": (0.35, "Share of NPS invitations that are answered"),
    "nps_promoter_share_breadth_0": (0.15, "Share of answers of 9 or 10, no feature"),
    "nps_promoter_share_breadth_1_2": (0.25, "Share of answers of 9 or 10, 1-2 features"),
    "nps_promoter_share_breadth_3_4": (0.40, "Share of answers of 9 or 10, 3-4 features"),
    "nps_promoter_share_breadth_5_7": (0.65, "Share of answers of 9 or 10, 5-7 features"),
    "nps_promoter_share_breadth_8_plus": (0.60, "Share of answers of 9 or 10, 8+ features"),
    "nps_passive_share": (0.50, "Share of 7 or 8 among the answers below 9"),
    "ces_response_share": (0.30, "Share of CES invitations that are answered"),
    "ces_mean": (5.2, "Mean answer to the CES question, of 7"),
    "experiment_onboarding_checklist_relative_lift": (
        0.0,
        "Nothing: an A/A test on all sign-ups, so that p values are uniform",
    ),
    "experiment_onboarding_checklist_treatment_share": (0.50, "Share of sign-ups with a checklist"),
    "experiment_repeat_share": (0.20, "Share of sign-ups exposed to their variant once more"),
    "experiment_price_page_relative_lift": (0.0, "Nothing, in any of the three variants"),
    "experiment_price_page_variant_share": (1 / 3, "Share of each variant as it is assigned"),
    "experiment_price_page_unrecorded_share_c": (
        0.30,
        "Share of the exposures to variant c that are lost: a sample-ratio mismatch",
    ),
    "offer_accepted_share_upsell": (0.20, "Share of upsell offers accepted"),
    "offer_accepted_share_cross_sell": (0.12, "Share of cross-sell offers accepted"),
    "offer_accepted_share_renewal": (
        0.80,
        "Share of renewal offers accepted, of those who do not cancel before the term ends",
    ),
    "offer_accepted_share_seats": (0.25, "Share of offers of more seats accepted"),
    "offer_upgrade_days": (
        30,
        "Whoever moves to a dearer plan has accepted an offer of it so many days before at most",
    ),
    "offer_renewal_notice_days": (30, "Days before the end of a year's term of a renewal offer"),
    "offer_declined_share": (0.40, "Share declined of the offers that are not accepted"),
    "duplicate_share_exact": (0.02, "Rows delivered once more, unchanged, in a later load"),
    "duplicate_share_conflicting": (0.005, "Rows delivered once more, same id, other payload"),
    "late_share": (0.03, "Rows that arrive days to months after they happened"),
    "broken_share": (0.005, "Broken rows added to each table"),
}


def planted(name: str) -> float:
    """The number of the planted effect `name`."""
    return PLANTED[name][0]


BREADTH_BUCKETS = ("0", "1_2", "3_4", "5_7", "8_plus")
BREADTH_SHARES = (0.20, 0.27, 0.25, 0.20, 0.08)
BREADTH_RANGES = ((0, 0), (1, 2), (3, 4), (5, 7), (8, 10))
SESSIONS_PER_WEEK = (0.6, 0.7, 0.8, 0.95, 1.0)  # of use, by breadth bucket

# Windows as parts of the whole period, so that any --days has them: (begin, days or end).
VIRAL_BEGIN, VIRAL_DAYS = 0.35, 4
INCIDENT_BEGIN, INCIDENT_DAYS = 0.90, 14
EXPERIMENT_BEGIN, EXPERIMENT_END = 0.25, 0.85
EXPERIMENT = "signup_button"
VARIANTS = ("control", "treatment")

# ---------------------------------------------------------------- events and pages

EVENTS = (
    "signed_up", "email_verified", "onboarding_step_completed", "onboarding_completed",
    "trial_requested", "feature_used", "report_created", "report_shared", "project_created",
    "invite_sent", "invite_accepted", "checkout_started", "checkout_step_completed",
    "payment_info_entered", "payment_failed", "product_added", "lead_submitted",
    "white_paper_downloaded", "case_study_downloaded", "video_watched", "webinar_attended",
    "review_read", "help_article_viewed", "chat_started", "search_performed",
    "experiment_viewed", "plan_upgraded", "error_shown", "ad_clicked",
)  # fmt: skip
EVENT = {name: number for number, name in enumerate(EVENTS)}
EVENT_TITLES = tuple(name.replace("_", " ").capitalize() for name in EVENTS)
CORE_EVENTS = ("report_created", "report_shared", "project_created", "feature_used")

FEATURES = (
    "dashboards", "alerts", "exports", "filters", "comments",
    "integrations", "templates", "schedules", "segments", "forecasts",
)  # fmt: skip

BLOG = (
    "why-we-deleted-our-dashboards", "ten-reports-nobody-reads", "counting-people-twice",
    "a-week-with-one-metric", "the-spreadsheet-that-ran-a-company", "how-we-price",
    "sessions-explained", "onboarding-in-four-steps", "what-churn-hides",
    "release-notes-spring", "release-notes-autumn", "hiring-analysts",
)  # fmt: skip
VIRAL_SLUG = BLOG[0]
CASES = ("harbour-lines", "nordic-bikes", "green-grocer", "city-library", "tidal-energy")
DOCS = (
    "getting-started", "import-data", "share-a-report", "billing", "alerts", "api",
    "permissions", "troubleshooting",
)  # fmt: skip

PAGE_GROUPS: dict[str, list[tuple[str, str]]] = {
    "home": [("/", "Tallyport: reports that people read")],
    "pricing": [("/pricing", "Pricing")],
    "features": [("/features", "Features")],
    "blog": [(f"/blog/{s}", s.replace("-", " ").capitalize()) for s in BLOG],
    "reviews": [("/reviews", "Reviews")],
    "cases": [(f"/case-studies/{s}", f"Case study: {s.replace('-', ' ')}") for s in CASES],
    "signup": [("/signup", "Sign up")],
    "checkout": [("/checkout", "Checkout")],
    "docs": [(f"/docs/{s}", f"Docs: {s.replace('-', ' ')}") for s in DOCS],
    "app": [("/app", "Home")],
    "reports": [("/app/reports", "Reports")],
    "projects": [("/app/projects", "Projects")],
    "webinars": [("/webinars", "Webinars")],
}
PAGES = [page for group in PAGE_GROUPS.values() for page in group]
PATHS = tuple(path for path, _ in PAGES)
TITLES = tuple(title for _, title in PAGES)
PATH = {path: number for number, path in enumerate(PATHS)}
GROUPS = tuple(PAGE_GROUPS)
PAGE_GROUP_OF_PATH = tuple(
    number for number, group in enumerate(PAGE_GROUPS.values()) for _ in group
)

SCREENS = ("Home", "Reports", "Projects", "Pricing", "Checkout", "Help")
SCREEN_OF_GROUP = {
    "reports": 1, "projects": 2, "pricing": 3, "checkout": 4, "docs": 5,
}  # fmt: skip
SCREEN_OF_PATH = tuple(SCREEN_OF_GROUP.get(GROUPS[g], 0) for g in PAGE_GROUP_OF_PATH)

# Where a visitor goes after the landing page (weights over page groups).
BROWSE_WEIGHTS = {
    "home": 0.14, "pricing": 0.18, "features": 0.20, "blog": 0.22, "reviews": 0.04,
    "cases": 0.08, "docs": 0.08, "webinars": 0.04, "signup": 0.02,
}  # fmt: skip

# What a page view may lead to at once: (event, probability), by page group.
PAGE_ACTIONS = {
    "home": [("lead_submitted", 0.012)],
    "pricing": [("lead_submitted", 0.04), ("chat_started", 0.02)],
    "features": [("video_watched", 0.12)],
    "blog": [("white_paper_downloaded", 0.05), ("video_watched", 0.04), ("lead_submitted", 0.01)],
    "reviews": [("review_read", 0.85)],
    "cases": [("case_study_downloaded", 0.25)],
    "docs": [("help_article_viewed", 0.80), ("search_performed", 0.10)],
    "webinars": [("webinar_attended", 0.30)],
}
LEAD_CTAS = ("newsletter_footer", "talk_to_sales", "white_paper_form")
LEAD_CTA_OF_GROUP = {"home": 0, "pricing": 1, "blog": 2}
WHITE_PAPERS = ("metrics-handbook", "churn-field-guide", "pricing-benchmark")
VIDEOS = ("product-tour", "customer-story", "report-in-two-minutes")
VIDEO_PERCENTS = (10, 25, 50, 75, 100)
WEBINARS = ("live-demo", "reports-masterclass")
QUERIES = (
    "share report", "invoice", "cancel", "api key", "export csv", "invite colleague",
    "dark mode", "sso", "delete project", "alert rule", "price", "æøå",
)  # fmt: skip
ERROR_CODES = ("E500", "E_TIMEOUT", "E_FORM_INVALID", "E_UPLOAD", "E_PERMISSION")
CHECKOUT_STEPS = ("contact", "payment", "confirm")

# What a signed-in person does in the product (weights; "page:x" is a page group).
APP_ACTIONS = {
    "feature_used": 0.34, "report_created": 0.11, "report_shared": 0.05, "project_created": 0.06,
    "invite_sent": 0.015, "search_performed": 0.04, "error_shown": 0.03, "chat_started": 0.01,
    "page:reports": 0.17, "page:projects": 0.11, "page:docs": 0.045, "page:pricing": 0.02,
}  # fmt: skip

PROPERTY_SLOTS = 64


def properties_of(event: str, slot: int) -> str:
    """The JSON text of the properties of `event`; `slot` (0 to 63) says which of its values."""
    options = {
        "onboarding_step_completed": lambda: {"step": slot, "flow": "default"},
        "onboarding_completed": lambda: {"flow": "default"},
        "feature_used": lambda: {"feature": FEATURES[slot % len(FEATURES)]},
        "lead_submitted": lambda: {"cta": LEAD_CTAS[slot % len(LEAD_CTAS)]},
        "white_paper_downloaded": lambda: {"asset": WHITE_PAPERS[slot % len(WHITE_PAPERS)]},
        "case_study_downloaded": lambda: {"asset": CASES[slot % len(CASES)]},
        "video_watched": lambda: {
            "asset": VIDEOS[slot % len(VIDEOS)],
            "percent": VIDEO_PERCENTS[slot // len(VIDEOS) % len(VIDEO_PERCENTS)],
        },
        "webinar_attended": lambda: {"asset": WEBINARS[slot % len(WEBINARS)]},
        "help_article_viewed": lambda: {"article": DOCS[slot % len(DOCS)]},
        "search_performed": lambda: {
            "query": QUERIES[slot % len(QUERIES)],
            "results": (0, 1, 4, 12, 30)[slot // len(QUERIES) % 5],
        },
        "experiment_viewed": lambda: {
            "experiment": EXPERIMENT,
            "variant": VARIANTS[slot % len(VARIANTS)],
        },
        "plan_upgraded": lambda: {"plan": PLANS[slot % len(PLANS)]},
        "error_shown": lambda: {"code": ERROR_CODES[slot % len(ERROR_CODES)]},
        "invite_accepted": lambda: {"invited_by": "colleague"},
    }
    make = options.get(event)
    return json.dumps(make(), ensure_ascii=False) if make else "{}"


# ---------------------------------------------------------------- where people come from

# name, source, medium, campaign, term, content, referrer, sign-up base rate, share of arrivals,
# begin and end as parts of the period, landing page groups, platform (paid only), price per click
TOUCHES = (
    ("direct", None, None, None, None, None, None, 0.16, 0.22, 0, 1, ("home",), None, 0),
    ("google_organic", None, None, None, None, None, "https://www.google.com/",
     0.15, 0.24, 0, 1, ("blog", "blog", "home", "features"), None, 0),
    ("bing_organic", None, None, None, None, None, "https://www.bing.com/",
     0.15, 0.03, 0, 1, ("home", "blog"), None, 0),
    ("google_brand", "google", "cpc", "brand_search", "tallyport", "text_1",
     "https://www.google.com/", 0.22, 0.08, 0, 1, ("home", "pricing"), "google_ads", 0.9),
    ("google_generic", "google", "cpc", "generic_search", "reporting tool", "text_2",
     "https://www.google.com/", 0.12, 0.08, 0, 1, ("features", "pricing"), "google_ads", 2.6),
    ("google_spring", "google", "cpc", "spring_launch", "team reports", "banner_1",
     "https://www.google.com/", 0.13, 0.05, 0.12, 0.25, ("features",), "google_ads", 2.1),
    ("facebook_paid", "facebook", "paid_social", "lookalike", None, "video_a",
     "https://l.facebook.com/", 0.07, 0.09, 0.20, 0.80, ("home", "features"), "facebook_ads", 1.2),
    ("linkedin_paid", "linkedin", "cpc", "b2b_leads", None, "carousel_b",
     "https://www.linkedin.com/", 0.14, 0.05, 0.40, 1, ("cases", "pricing"), "linkedin_ads", 6.4),
    ("facebook_organic", None, None, None, None, None, "https://www.facebook.com/",
     0.08, 0.05, 0, 1, ("blog", "home"), None, 0),
    ("newsletter", "newsletter", "email", "monthly_digest", None, "top_link", None,
     0.25, 0.04, 0, 1, ("blog", "webinars"), None, 0),
    ("review_site", None, None, None, None, None, "https://www.software-reviews.test/tallyport",
     0.20, 0.04, 0, 1, ("home", "reviews"), None, 0),
    ("partner_site", None, None, None, None, None, "https://blog.partner.test/tools",
     0.20, 0.03, 0, 1, ("home", "features"), None, 0),
    ("viral_post", None, None, None, None, None, "https://technews.test/item?id=4711",
     planted("viral_signup_base"), 0, 0, 1, ("viral",), None, 0),
    ("retargeting", "facebook", "paid_social", "retargeting", None, "image_c",
     "https://l.facebook.com/", 0, 0, 0, 1, ("pricing", "home"), "facebook_ads", 0.8),
)  # fmt: skip
TOUCH = {touch[0]: number for number, touch in enumerate(TOUCHES)}
# How a visitor comes back, and how a signed-in person comes in (weights over touches).
LATER_VISITS = {
    "direct": 0.46, "google_organic": 0.22, "newsletter": 0.16, "retargeting": 0.10,
    "google_brand": 0.06,
}  # fmt: skip
APP_VISITS = {"direct": 0.94, "newsletter": 0.05, "google_organic": 0.01}

# ---------------------------------------------------------------- people, devices, money

COUNTRIES = ("DK", "DE", "GB", "US", "FR")
COUNTRY_SHARES = (0.30, 0.25, 0.15, 0.20, 0.10)
COUNTRY_HOURS = (1, 1, 0, -5, 1)
CURRENCIES = ("DKK", "EUR", "GBP", "USD")
CURRENCY_OF_COUNTRY = (0, 1, 2, 3, 1)
CURRENCY_FACTOR = (7.5, 1.0, 0.85, 1.1)

FIRST_NAMES = (
    "Anna", "Bo", "Clara", "David", "Ella", "Finn", "Greta", "Hugo", "Ida", "Jonas", "Karen",
    "Lars", "Maja", "Noah", "Olga", "Peter", "Rosa", "Simon", "Tove", "Viggo", "Søren", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Berg", "Dahl", "Eriksen", "Fischer", "Green", "Holm", "Iversen", "Jensen", "Keller", "Lund",
    "Meyer", "Nielsen", "Olsen", "Poulsen", "Ross", "Schmidt", "Taylor", "Vest", "Wolf", "O'Neil",
)  # fmt: skip
MAIL_DOMAINS = 20

DESKTOP, MOBILE, APP, TABLET, KIOSK = range(5)
USER_AGENTS = {
    DESKTOP: (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/122.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.3 Safari/605.1.15",  # noqa: E501
        "Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0",
    ),
    MOBILE: (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/122.0 Mobile Safari/537.36",  # noqa: E501
    ),
    APP: ("Tallyport/4.2 (iOS 17.3)", "Tallyport/4.2 (Android 14)"),
    TABLET: ("Mozilla/5.0 (iPad; CPU OS 17_3 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",),
    KIOSK: ("Mozilla/5.0 (Windows NT 10.0; Kiosk) AppleWebKit/537.36 Chrome/118.0 Safari/537.36",),
}
APP_SYSTEMS = ("iOS", "Android")
BOT_AGENT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
IP_BLOCKS = ("192.0.2.", "198.51.100.", "203.0.113.")

PLANS = ("starter", "team", "business")
PLAN_PRICES = (19, 49, 149)
ORDER_PRICES = (29, 59, 90, 120, 240)
TRIAL_DAYS = 14
