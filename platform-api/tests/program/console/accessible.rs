//! Every page against the rules of accessibility (axe-core: WCAG 2.2 A and AA, and best practices), on a desk and on a
//! phone, light and dark. Pictures of each go to `target/console`.

use super::browser::Browser;
use super::world::World;
use crate::store::tool;
use serde_json::{Value, json};

const RULES: &str = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']";
/// A run that finds less than this to look at has looked at nothing.
const FEWEST_CHECKS: u64 = 15;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_keeps_the_rules_in_every_dress() {
    let axe =
        std::fs::read_to_string(tool("axe/node_modules/axe-core/axe.min.js")).expect("the rules");
    let world = World::start().await;
    let page = &world.browser;
    page.open(&world.address()).await;
    page.until("document.querySelector('#sign-in')").await;
    keeps_the_rules(page, &axe, "welcome").await;
    world.sign_in().await;
    for (dress, width, height, mobile, scheme) in [
        ("desk-light", 1280, 900, false, "light"),
        ("desk-dark", 1280, 900, false, "dark"),
        ("phone-light", 390, 844, true, "light"),
        ("phone-dark", 390, 844, true, "dark"),
    ] {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        page.emulate("Emulation.setDeviceMetricsOverride", size)
            .await;
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        page.emulate("Emulation.setEmulatedMedia", scheme).await;
        for (name, hash, ready) in [
            (
                "list",
                "#/",
                "document.querySelectorAll('tbody tr').length === 3",
            ),
            (
                "environment",
                "#/environments/dev-stuck",
                "document.querySelector('#blocker') && document.querySelector('.live.on')",
            ),
            (
                "new",
                "#/new",
                "document.querySelector('[name=environment_name]')",
            ),
        ] {
            page.script(&format!("location.hash = {}", json!(hash)))
                .await;
            page.until(ready).await;
            keeps_the_rules(page, &axe, &format!("{name}-{dress}")).await;
            let wide = page.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
            assert_eq!(wide, json!(0), "{name}-{dress} is wider than its window");
        }
        page.click("button[type=submit].first").await;
        page.until("document.querySelector('.note.bad')").await;
        keeps_the_rules(page, &axe, &format!("faults-{dress}")).await;
    }
}

async fn keeps_the_rules(page: &Browser, axe: &str, name: &str) {
    page.picture(name).await;
    let script = format!(
        "{axe}; const done = arguments[arguments.length - 1];
         axe.run(document, {{runOnly: {RULES}}}).then((result) => done({{
           passed: result.passes.length,
           broken: result.violations.map((rule) => rule.id + ': ' + rule.nodes.map((node) => node.html + ' ' + node.failureSummary).join('\\n')),
         }}), (error) => done({{passed: 0, broken: [String(error)]}}))"
    );
    let result = page.script_later(&script).await;
    let broken: Vec<&Value> = result["broken"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    assert!(broken.is_empty(), "{name}: {broken:#?}");
    assert!(
        result["passed"].as_u64() >= Some(FEWEST_CHECKS),
        "{name}: {result}"
    );
}
