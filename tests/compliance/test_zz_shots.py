import pytest
from django.conf import settings
from tests.compliance.builders import *
from tests.compliance.builders import _serial
from django.contrib.auth import SESSION_KEY
from django.test import Client
from compliance.services.evidence import attach_evidence
from compliance.services.measures import lift_measure
from django.utils import timezone
from compliance.models import ScreeningEntry

@pytest.mark.browser
def test_shots(page, context, live_server, transactional_db, browser_problems):
    now = timezone.now()
    t = make_tenant("Harbour Retail")
    handler = make_staff()
    case = make_case(t, CaseState.APPEALED, behaviour=2, now=now - 2*DAY, handler=handler)
    attach_evidence(violation=case, upload=make_file("Recording of the call.png"), is_disclosed=True, by=handler, now=now)
    warn = make_case(t, behaviour=6, now=now-DAY, handler=handler)
    open_ = make_case(t, CaseState.INVESTIGATING, behaviour=1, now=now, handler=handler)
    over = make_case(t, CaseState.OVERTURNED, behaviour=5, now=now-9*DAY, handler=handler)
    t2 = make_tenant("Meridian Travel")
    r = make_request(t2, now=now, description="Reminders of overdue payment to our customers.", entry=ScreeningEntry.objects.get(name="Tourism business"))
    from accounts.services.tenants import create_application
    create_application(account=t2.account, name="Night line", by=None, now=now)
    bad = None
    c = Client(); c.force_login(t.owner)
    def login(user):
        c = Client(); c.force_login(user)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": c.cookies[settings.SESSION_COOKIE_NAME].value, "url": live_server.url}])
    def shot(path, name, width=1280, height=900, dark=False, click=None):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.goto(path)
        if click:
            page.get_by_role("link", name=click).first.click()
            page.wait_for_selector("dialog[open]")
            page.screenshot(path=f"/tmp/shots/{name}.png")
        else:
            page.screenshot(path=f"/tmp/shots/{name}.png", full_page=True)
    base = f"/console/{t.account.uin}"
    shot("/guidelines/", "guidelines")
    shot("/guidelines/", "guidelines-360", 360, 800)
    login(t.owner)
    shot(f"{base}/violations/", "violations")
    shot(f"{base}/violations/", "violations-360", 360, 800, dark=True)
    shot(f"{base}/violations/{case.number}/", "case-appealed")
    shot(f"{base}/violations/{warn.number}/", "case-warn")
    shot(f"{base}/violations/{warn.number}/", "case-warn-360", 360, 800)
    shot(f"{base}/violations/{warn.number}/", "case-appeal-dialog", click="Appeal")
    shot(f"{base}/violations/{warn.number}/appeal/", "case-appeal-page", dark=True)
    shot(f"{base}/violations/{over.number}/", "case-over")
    shot(f"{base}/connections/new/", "conn-restricted")
    login(t2.owner)
    base = f"/console/{t2.account.uin}"
    shot(f"{base}/violations/", "violations-empty")
    shot(f"{base}/connections/", "connections")
    shot(f"{base}/connections/{r.number}/", "connection")
    shot(f"{base}/connections/{r.number}/", "connection-withdraw", click="Withdraw")
    shot(f"{base}/connections/new/", "connection-new")
    shot(f"{base}/connections/new/", "connection-new-360", 360, 800)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{base}/connections/new/")
    page.get_by_role("button", name="Send the request").click()
    page.screenshot(path="/tmp/shots/connection-errors.png", full_page=True)
    entry = ScreeningEntry.objects.filter(name="Gambling").first()
    t3 = make_tenant("Luck Ltd")
    g = make_request(t3, entry=entry, now=now)
    login(t3.owner)
    shot(f"/console/{t3.account.uin}/connections/{g.number}/", "connection-refused")
