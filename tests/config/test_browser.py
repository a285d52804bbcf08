"""The watched browser: what must not happen on a page fails the test that shows it."""

from playwright.sync_api import Page


def test_a_quiet_page_has_no_problems(page: Page, browser_problems: list[str]) -> None:
    page.goto("/healthz")

    assert page.inner_text("body") == '{"status": "ok"}'
    assert browser_problems == []


def test_an_inline_style_is_noticed(page: Page, browser_problems: list[str]) -> None:
    page.goto("/healthz")

    page.evaluate("document.body.setAttribute('style', 'color: red')")

    assert len(browser_problems) == 1
    assert "Content Security Policy" in browser_problems.pop()


def test_an_inline_script_is_noticed(page: Page, browser_problems: list[str]) -> None:
    page.goto("/healthz")

    page.evaluate(
        "const script = document.createElement('script');"
        "script.textContent = 'window.ran = true'; document.body.append(script)"
    )

    assert page.evaluate("window.ran") is None
    assert len(browser_problems) == 1
    assert "Content Security Policy" in browser_problems.pop()


def test_a_request_to_another_host_is_noticed_and_stopped(
    page: Page, browser_problems: list[str]
) -> None:
    response = page.goto("/healthz")
    assert response is not None

    # Top-level navigation is not the policy's concern, so only the watch can see it.
    page.evaluate("window.open('http://elsewhere.invalid/')")
    page.wait_for_timeout(200)

    assert browser_problems == ["request to another host: http://elsewhere.invalid/"]
    browser_problems.clear()


def test_a_missing_asset_is_noticed(page: Page, browser_problems: list[str]) -> None:
    page.goto("/healthz")

    with page.expect_response("**/missing.png"):
        page.evaluate(
            "document.body.append(Object.assign(new Image(), {src: '/static/missing.png'}))"
        )

    assert [problem.partition(":")[0] for problem in browser_problems] == ["404"]
    browser_problems.clear()
