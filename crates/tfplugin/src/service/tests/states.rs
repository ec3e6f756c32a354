//! What is stored after apply.

use super::*;

#[tokio::test]
async fn c21_what_was_planned_is_what_comes_back() {
    let core = Core::configured().await;
    let applied = core.create("well").await;
    let (state, errors) = outcome(&applied);
    assert_eq!(errors, [""; 0]);
    let mut expected = made("well");
    expected.set_null("key_wo");
    assert_eq!(state, Some(expected));
    assert_eq!(applied.private, br#"{"made":true,"plans":1}"#);
    assert!(applied.new_identity.is_some());
}

#[tokio::test]
async fn w17_c25_a_panic_in_mid_create_keeps_what_exists() {
    let applied = Core::configured().await.create(PANIC).await;
    let (state, errors) = outcome(&applied);
    assert!(errors[0].contains("panicked: in the middle"), "{errors:?}");
    let state = state.unwrap();
    assert_eq!(state.get::<String>("id").unwrap(), "1");
    assert!(state.is_null("size") && state.is_null("key_wo"));
    assert!(applied.new_identity.is_some());
}

#[tokio::test]
async fn c23_c25_a_failed_create_keeps_what_exists() {
    let applied = Core::configured().await.create(FAIL).await;
    let (state, errors) = outcome(&applied);
    assert_eq!(errors, ["Try again."]);
    assert_eq!(state.unwrap().get::<String>("id").unwrap(), "1");
}

#[tokio::test]
async fn c24_a_misshapen_state_is_mended_and_reported() {
    let applied = Core::configured().await.create(MISSHAPEN).await;
    let (state, errors) = outcome(&applied);
    assert!(
        errors
            .iter()
            .any(|e| e.contains("size: expected number, found a string")),
        "{errors:?}"
    );
    assert!(
        errors.iter().any(|e| e.contains("no such attribute")),
        "{errors:?}"
    );
    assert_eq!(state.unwrap().get::<String>("id").unwrap(), "1");
}

#[tokio::test]
async fn c21_an_inconsistent_state_is_kept_and_reported() {
    let applied = Core::configured().await.create(INCONSISTENT).await;
    let (state, errors) = outcome(&applied);
    assert!(
        errors[0].contains("name is not what was planned"),
        "{errors:?}"
    );
    assert_eq!(state.unwrap().get::<String>("name").unwrap(), "another");
}

#[tokio::test]
async fn w20_w21_a_stopped_create_keeps_what_exists_and_the_provider_stays_usable() {
    let core = Core::configured().await;
    let (applied, ()) = tokio::join!(core.create(STOP), async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
            core.0
                .stop_provider(Request::new(pb::stop_provider::Request {}))
                .await
                .unwrap();
        }
    });
    let (state, errors) = outcome(&applied);
    assert!(errors[0].contains("stopped on request"), "{errors:?}");
    assert!(state.is_some());
    assert_eq!(outcome(&core.create("well").await).1, [""; 0]);
}

#[tokio::test]
async fn c23_a_failed_update_or_delete_keeps_the_prior_state() {
    let core = Core::configured().await;
    let prior = made("well");
    for how in [FAIL, PANIC] {
        let config = Some(thing(how));
        let planned = core
            .plan(Some(prior.clone()), config.clone(), Vec::new())
            .await;
        let applied = core.apply(Some(prior.clone()), config, planned).await;
        let (state, errors) = outcome(&applied);
        assert_eq!(errors.len(), 1);
        assert_eq!(state.unwrap().get::<String>("how").unwrap(), "well");
        let planned = core.plan(Some(made(how)), None, Vec::new()).await;
        let applied = core.apply(Some(made(how)), None, planned).await;
        assert_eq!(
            outcome(&applied).0.unwrap().get::<String>("how").unwrap(),
            how
        );
    }
}
