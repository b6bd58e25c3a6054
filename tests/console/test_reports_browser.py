"""Lists and reports in a real browser: charts that are their tables, live search, no script too."""

import csv
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lists_in_browser import (
    LONG_NAME,
    PATIENCE_MILLISECONDS,
    is_too_wide,
    judge,
    served,
    sign_in,
)
from lists_world import AGENT
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]

PAGES = (
    "/console/opt-outs",
    "/console/opt-outs?search=nobody",
    "/console/opt-outs?since=never",
    "/console/opt-outs/import",
    "/console/reports",
    "/console/reports?days=7&of=brand:other",
    "/console/audit",
)
HOW_FULL = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let drawn = 0, sum = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i + 3]) { drawn++; sum += data[i]; }
  return [drawn, sum];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium once."""
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the console once."""
    with served(tmp_path_factory.mktemp("lists")) as url:
        yield url


@pytest.fixture
def window(browser: Browser, url: str) -> Iterator[BrowserContext]:
    """A window that fails the test on an error in the console or a request to another host."""
    context = sign_in(browser, url, viewport={"width": 1280, "height": 800})
    errors: list[str] = []
    asked: set[str] = set()
    context.on("console", lambda line: line.type == "error" and errors.append(line.text))
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    yield context
    context.close()
    assert [error for error in errors if "Failed to load resource" not in error] == []
    assert asked <= {urlsplit(url).netloc}


def read_counts(page: Page, table: str) -> str:
    """Read the numbers of a table as a chart holds them: column by column."""
    rows = page.locator(f"#{table} tbody tr").all()
    counts = [row.locator("td.count").all_inner_texts() for row in rows]
    if table == "days":
        counts.reverse()
    columns = zip(*counts, strict=True)
    return "|".join(" ".join(cell.replace(",", "") for cell in column) for column in columns)


def chart_of(page: Page, table: str) -> Locator:
    """Find the chart of a table."""
    return page.locator(f'[data-chart][data-from="{table}"]')


def expect_drawn_anew(page: Page, table: str, before: list[int]) -> None:
    """Wait until a chart looks different from before, in its colours."""
    look = f"""([table, before]) => {{
      const canvas = document.querySelector(`[data-from="${{table}}"] canvas`);
      const [drawn, sum] = ({HOW_FULL})(canvas);
      return drawn > 500 && sum !== before[1];
    }}"""
    page.wait_for_function(look, arg=[table, before])


def test_a_chart_holds_the_numbers_of_its_table(window: BrowserContext, url: str) -> None:
    """Every chart is drawn, from the very numbers under it, and drawn anew in another theme."""
    page = window.new_page()
    page.emulate_media(color_scheme="light")
    page.goto(f"{url}/console/reports")
    for table in ("days", "causes", "refusals", "effect"):
        chart = chart_of(page, table)
        expect(chart).to_have_attribute("data-drawn", read_counts(page, table))
        canvas = chart.locator("canvas")
        assert canvas.evaluate(HOW_FULL)[0] > 500, table
        for scheme in ("dark", "light"):
            before = canvas.evaluate(HOW_FULL)
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            expect_drawn_anew(page, table, before)
    sums = page.locator("#days tfoot td").all_inner_texts()
    columns = read_counts(page, "days").split("|")
    assert sums == [str(sum(map(int, column.split()))) for column in columns]


def test_a_chart_fits_the_window_and_the_chosen_theme(window: BrowserContext, url: str) -> None:
    """It is drawn anew when the window is made narrow, and when a theme is chosen."""
    page = window.new_page()
    page.goto(f"{url}/console/reports?days=90")
    chart = chart_of(page, "days")
    expect(chart.locator("canvas")).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 800})
    expect(chart.locator(".u-wrap")).to_have_css(
        "width", f"{chart.evaluate('c => c.clientWidth')}px"
    )
    assert not is_too_wide(page)
    chart.locator(".u-wrap").evaluate("drawn => { drawn.style.minWidth = '1200px' }")
    assert not is_too_wide(page), "a chart that is drawn too wide widens the page"
    before = chart.locator("canvas").evaluate(HOW_FULL)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect_drawn_anew(page, "days", before)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_sound(
    browser: Browser, window: BrowserContext, url: str, scheme: str
) -> None:
    """Axe finds nothing in either theme, and nothing scrolls sideways at 360 pixels."""
    del browser
    page = window.new_page()
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for address in PAGES:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(url + address)
        assert judge(page) == [], address
        page.set_viewport_size({"width": 360, "height": 740})
        assert not is_too_wide(page), address


def test_the_list_is_searched_while_one_types(window: BrowserContext, url: str) -> None:
    """The slash leads to the field, the list follows, the address too, and the typing stays."""
    page = window.new_page()
    page.goto(f"{url}/console/opt-outs")
    page.keyboard.press("/")
    page.keyboard.type("ann", delay=20)
    found = page.locator("#found tbody tr")
    expect(found).to_have_count(1)
    expect(found).to_contain_text(LONG_NAME)
    # One may be found as soon as two letters are typed.
    expect(page).to_have_url(re.compile("search=ann"))
    assert page.evaluate("document.activeElement.id") == "search"
    expect(page.get_by_label("Search")).to_have_value("ann")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export all as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(), newline="")))
    assert [row["customer_name"] for row in rows] == [LONG_NAME]
    page.keyboard.press("Escape")
    page.reload()
    expect(found).to_have_count(1)


def test_a_list_is_brought_in_from_a_file(window: BrowserContext, url: str, tmp_path: Path) -> None:
    """The script reads the chosen file; one looks, then writes."""
    file = tmp_path / "list.csv"
    file.write_bytes("phone;reason\n+12135550001;asked\nnobody;\n".encode("utf-16"))
    page = window.new_page()
    page.goto(f"{url}/console/opt-outs/import")
    page.set_input_files("#file", file)
    expect(page.get_by_label("Where it comes from")).to_have_value("list.csv")
    page.get_by_label("Whose texts they do not want").select_option("Acme")
    page.get_by_role("button", name="Look at the list first").click()
    expect(page.get_by_role("heading", name="What this list would do")).to_be_visible()
    assert judge(page) == []
    page.get_by_role("button", name="Record 1 opt-out").click()
    expect(page.get_by_role("heading", name="1 opt-out is recorded")).to_be_visible()
    assert judge(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert not is_too_wide(page)


def test_without_a_script_everything_can_be_read_and_done(browser: Browser, url: str) -> None:
    """Searching, reading the numbers and bringing a list in work by links and forms."""
    context = sign_in(browser, url, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{url}/console/opt-outs")
    page.get_by_label("Search").fill("ann")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#found tbody tr")).to_have_count(1)
    page.goto(f"{url}/console/reports")
    page.get_by_role("link", name="7 days").click()
    expect(page.locator("#days tbody tr")).to_have_count(7)
    expect(page.locator(".chart").first).to_be_hidden()
    page.goto(f"{url}/console/opt-outs/import")
    page.get_by_label("The list").fill("+12135550002")
    page.get_by_label("Where it comes from").fill("by hand")
    page.get_by_label("Whose texts they do not want").select_option("Acme")
    page.get_by_role("button", name="Look at the list first").click()
    page.get_by_role("button", name="Record 1 opt-out").click()
    expect(page.get_by_role("heading", name="1 opt-out is recorded")).to_be_visible()
    context.close()


def test_one_walks_through_the_list_by_keyboard(browser: Browser, url: str) -> None:
    """Keys go from row to row; an agent without rights finds no door to what they may not do."""
    context = sign_in(browser, url, AGENT)
    page = context.new_page()
    page.goto(f"{url}/console/opt-outs")
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.getAttribute('href')")
    assert first.startswith("/console/customers/")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.getAttribute('href')") != first
    assert page.get_by_role("link", name="Import").count() == 0
    assert page.get_by_role("link", name="Reports").count() == 0
    context.close()
