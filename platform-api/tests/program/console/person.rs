//! What a person does: look, search, create with a mistake and without, extend, take down.

use super::world::World;
use jiff::SignedDuration;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_why_an_environment_waits_and_hears_when_it_goes_on() {
    let world = World::start().await;
    let page = &world.browser;
    world.sign_in().await;
    page.sees("api-gateway v1.4.2").await;
    page.sees("$182.40").await;
    // Words of a claim or a status are text, whatever stands in them.
    page.sees("The location has no <b>vc2-4c-8gb</b> in stock")
        .await;
    assert_eq!(page.script("return document.querySelectorAll('main b').length - document.querySelectorAll('.services b').length").await, json!(0));
    // The token is in memory alone.
    let stored = page
        .script("return JSON.stringify([localStorage, sessionStorage, document.cookie])")
        .await;
    assert_eq!(stored, json!(r#"[{},{"slipway.returning":"yes"},""]"#));

    page.type_into("#question", "phase:Blocked\u{E007}").await;
    page.until("document.querySelectorAll('tbody tr').length === 1")
        .await;
    page.click("a.name").await;
    page.sees("Waits for NodePool general-public, 7f3a in the cloud")
        .await;
    page.until("document.querySelector('.live.on')").await;
    page.picture("blocked").await;

    world.says("dev-stuck", json!({"phase": "Deploying"})).await;
    page.until("document.querySelector('.head .chip').textContent === 'Deploying'")
        .await;
    page.until("document.querySelector('#announcements').textContent.includes('dev-stuck is Deploying now')").await;
    assert_eq!(page.log().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_creates_with_a_fault_shown_at_its_field_and_then_without() {
    let world = World::start().await;
    let page = &world.browser;
    world.sign_in().await;
    page.click("nav a[href='#/new']").await;
    page.type_into("[name=environment_name]", "Dev-New").await;
    page.type_into("[name=environment_pool]", "team1").await;
    page.type_into("[name=environment_type]", "sue").await;
    page.type_into(".row .pair .field:nth-child(1) input", "api-gateway")
        .await;
    page.type_into(".row .pair .field:nth-child(2) input", "1.x.3")
        .await;
    page.click("button[type=submit]").await;
    page.sees("2 things are to be mended").await;
    let at = |selector: &str| {
        format!(
            "(() => {{ const field = document.querySelector({}); const fault = document.getElementById(field.id + '-fault');
             return field.getAttribute('aria-invalid') === 'true' && !fault.hidden && fault.textContent.length > 5 }})()",
            json!(selector)
        )
    };
    page.until(&at("[name=environment_name]")).await;
    page.until(&at(".row .pair .field:nth-child(2) input"))
        .await;
    page.until("document.activeElement.classList.contains('note')")
        .await;
    page.picture("faults").await;

    page.script("document.querySelector('[name=environment_name]').value = ''")
        .await;
    page.type_into("[name=environment_name]", "sue-new").await;
    page.script("document.querySelector('.row .pair .field:nth-child(2) input').value = ''")
        .await;
    page.type_into(".row .pair .field:nth-child(2) input", "^1.0.0.0")
        .await;
    page.click(".buttons button[type=button]").await;
    page.sees("The claim as it would stand").await;
    page.until("!document.querySelector('[aria-invalid=true]')")
        .await;
    assert_eq!(
        world.read("sue-new").await["status"],
        json!(404),
        "a look makes nothing"
    );
    page.picture("checked").await;

    page.click("button[type=submit]").await;
    page.until(
        "document.querySelector('h1').textContent === 'sue-new' && document.querySelector('.chip')",
    )
    .await;
    let made = world.read("sue-new").await;
    assert_eq!(
        made["claim"]["services"],
        json!({"api-gateway": "^1.0.0.0"})
    );
    assert_eq!(made["owner"], json!(super::sign_in::PERSON));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_extends_an_evaluation_and_takes_it_down() {
    let world = World::start().await;
    let page = &world.browser;
    world.sign_in().await;
    let before = world.end_of("sue-kafka").await;
    page.sees("in 1 h").await;
    page.click("[aria-label='Extend sue-kafka']").await;
    page.click("#until-4").await;
    page.picture("extend").await;
    page.click("dialog button[type=submit]").await;
    page.until("!document.querySelector('dialog') && document.body.innerText.includes('in 5 h')")
        .await;
    let after = world.end_of("sue-kafka").await;
    assert_eq!(
        after.duration_since(before).as_hours(),
        SignedDuration::from_hours(4).as_hours()
    );

    page.click("[data-name=sue-kafka] a.name").await;
    page.click("button.grave").await;
    page.type_into("#confirmation", "sue").await;
    page.click("dialog button[type=submit]").await;
    page.sees("Not confirmed").await;
    page.type_into("#confirmation", "-kafka").await;
    page.click("dialog button[type=submit]").await;
    page.until("document.querySelector('.head .chip').textContent === 'Draining'")
        .await;
    page.until("!document.querySelector('button.grave')").await;
    assert_eq!(world.read("sue-kafka").await["phase"], json!("Draining"));
}
