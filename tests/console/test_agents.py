"""What a browser is called."""

from padron.console.agents import name_agent
from tests.console.browser import House
from tests.tables import each_row

MOZILLA = "Mozilla/5.0"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@each_row(
    "agent, name",
    [
        (f"{MOZILLA} (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/156.0.0.0 Safari/537.36", "Chrome · Windows"),
        (f"{MOZILLA} (Windows NT 10.0) {WEBKIT} Chrome/156.0 Safari/537.36 Edg/156.0", "Edge · Windows"),
        (f"{MOZILLA} (Linux; Android 16; K) {WEBKIT} Chrome/156.0 Mobile Safari/537.36", "Chrome · Android"),
        (f"{MOZILLA} (Linux; Android 16) {WEBKIT} SamsungBrowser/29 Chrome/140 Safari", "Samsung Internet · Android"),
        (f"{MOZILLA} (iPhone; CPU iPhone OS 26_0 like Mac OS X) {WEBKIT} Version/26 Safari/604", "Safari · iPhone"),
        (f"{MOZILLA} (iPad; CPU OS 26_0 like Mac OS X) {WEBKIT} CriOS/156 Safari/604", "Chrome · iPad"),
        (f"{MOZILLA} (Macintosh; Intel Mac OS X 10.15; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox · macOS"),
        (f"{MOZILLA} (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox · Linux"),
        (f"{MOZILLA} (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/156 Safari/537", "Chrome · ChromeOS"),
        ("curl/8.0", "curl/8.0"),
        ("<b>Linux", "<b>Linux"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_browser_is_named_and_another_text_is_shown_as_it_is(agent: str, name: str) -> None:
    assert name_agent(agent) == name


async def test_a_session_has_its_browsers_name_and_on_hover_all_of_the_text(house: House) -> None:
    agent = f"{MOZILLA} (X11; Linux x86_64) {WEBKIT} Chrome/156.0 Safari/537.36"
    browser = house.open_browser()
    shown = await browser.post("/console/sign-in/key", {"token": house.cast.acme.token}, user_agent=agent)
    assert shown.status == 303
    page = (await browser.get("/console/profile")).page
    (named,) = page.list_all("strong", title=agent)
    assert named.text == ["Chrome · Linux"]
