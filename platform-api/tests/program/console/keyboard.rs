//! Everything that can be done with a mouse can be done without one, and one always sees where one is.

use super::browser::{Browser, DOWN, ENTER, ESCAPE, TAB};
use super::world::World;
use serde_json::json;

/// More than any page has to pass.
const MOST_STEPS: usize = 60;

/// Goes on with the tabulator until what has the focus fits a selector; on the way every focus must be seen.
async fn tab_to(page: &Browser, selector: &str) {
    for _ in 0..MOST_STEPS {
        page.press(TAB).await;
        let at = page
            .script(&format!(
                "const at = document.activeElement; const style = getComputedStyle(at);
                 return [at.matches({}), at === document.body || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2), at.outerHTML.slice(0, 200)]",
                json!(selector)
            ))
            .await;
        assert_eq!(at[1], json!(true), "the focus cannot be seen on {}", at[2]);
        if at[0] == json!(true) {
            return;
        }
    }
    panic!("no way to {selector} with the tabulator");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_done_with_the_keyboard_alone() {
    let world = World::start().await;
    let page = &world.browser;
    page.open(&world.address()).await;
    page.until("document.querySelector('#sign-in')").await;
    tab_to(page, "#sign-in").await;
    page.press(ENTER).await;
    page.until("document.querySelectorAll('tbody tr').length === 3")
        .await;

    tab_to(page, "#question").await;
    page.press(&format!("sue{ENTER}")).await;
    page.until("document.querySelectorAll('tbody tr').length === 1")
        .await;
    let before = world.end_of("sue-kafka").await;
    tab_to(page, "[aria-label='Extend sue-kafka']").await;
    page.press(ENTER).await;
    page.until("document.querySelector('dialog[open]')").await;
    page.press(ESCAPE).await;
    page.until("!document.querySelector('dialog')").await;
    page.until("document.activeElement.getAttribute('aria-label') === 'Extend sue-kafka'")
        .await;
    page.press(ENTER).await;
    page.until("document.querySelector('dialog[open]')").await;
    page.until("document.querySelector('dialog').contains(document.activeElement)")
        .await;
    // A day is proposed; one further down are three.
    if page.script("return document.activeElement.name").await != json!("until") {
        tab_to(page, "[name=until]").await;
    }
    page.press(DOWN).await;
    tab_to(page, "dialog [type=submit]").await;
    page.press(ENTER).await;
    page.until("!document.querySelector('dialog')").await;
    page.until("document.activeElement.getAttribute('aria-label') === 'Extend sue-kafka'")
        .await;
    assert_eq!(
        world
            .end_of("sue-kafka")
            .await
            .duration_since(before)
            .as_hours(),
        72
    );

    page.open(&format!("{}#/new", world.address())).await;
    page.until("document.querySelector('[name=environment_name]')")
        .await;
    for (field, text) in [
        ("[name=environment_name]", "dev-keys"),
        ("[name=environment_pool]", "team1"),
        ("[name=environment_type]", "dev"),
        (".row .pair .field:nth-child(1) input", "api-gateway"),
        (".row .pair .field:nth-child(2) input", "^1.0.0.0"),
    ] {
        tab_to(page, field).await;
        page.press(text).await;
    }
    tab_to(page, "button[type=submit].first").await;
    page.press(ENTER).await;
    page.until("document.querySelector('h1').textContent === 'dev-keys' && document.querySelector('.chip')").await;
    assert_eq!(
        page.script("return document.activeElement.tagName").await,
        json!("H1"),
        "the new page is where one is"
    );
    assert_eq!(world.read("dev-keys").await["type"], json!("dev"));
}
