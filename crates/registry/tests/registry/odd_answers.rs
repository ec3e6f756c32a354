//! What comes from proxies, from Artifactory, and from registries that break in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use registry::{Credentials, Registry, RegistryError, Settings};

use crate::script::{Script, page};

async fn tags(registry: &Registry, repository: &str) -> Result<Vec<String>, RegistryError> {
    Ok(registry.tags(repository).await?.iter().cloned().collect())
}

#[tokio::test]
async fn a_link_that_drops_the_repository_key_is_followed_below_it() {
    let script = Script::start(|_, request| {
        assert!(
            request
                .target
                .starts_with("/artifactory/api/docker/KEY/v2/a/b/tags/list?")
        );
        if request.target.contains("last=200") {
            page(&["v2.0.0"], None)
        } else {
            page(&["v1.0.0"], Some("/v2/a/b/tags/list?last=200&n=200"))
        }
    });
    let registry = Registry::new(script.settings("/artifactory/api/docker/KEY")).unwrap();
    assert_eq!(tags(&registry, "a/b").await.unwrap(), ["v1.0.0", "v2.0.0"]);
}

#[tokio::test]
async fn a_listing_that_breaks_off_is_an_error_and_no_shorter_listing() {
    for breaks in [
        ("500 Oops", ""),
        ("200 OK", "{\"tags\": [\"v1"),
        ("429 Slow down", ""),
        ("200 OK", "<html>sign in</html>"),
        ("200 OK", "{}x"),
    ] {
        let script = Script::start(move |_, request| {
            if request.target.contains("last=1") {
                (breaks.0.to_owned(), breaks.1.to_owned())
            } else {
                page(&["v1.0.0"], Some("/v2/a/tags/list?last=1"))
            }
        });
        let error = tags(&script.registry(), "a").await.unwrap_err();
        assert!(
            matches!(
                error,
                RegistryError::Unavailable { .. } | RegistryError::Malformed { .. }
            ),
            "{breaks:?}: {error}"
        );
    }
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_end() {
    let script = Script::start(|_, request| {
        let other = if request.target.ends_with("last=1") {
            2
        } else {
            1
        };
        page(&["v1.0.0"], Some(&format!("/v2/a/tags/list?last={other}")))
    });
    let error = tags(&script.registry(), "a").await.unwrap_err();
    assert!(error.to_string().contains("circle"), "{error}");
}

#[tokio::test]
async fn an_empty_page_at_the_end_and_null_are_no_tags() {
    let script = Script::start(|_, request| match request.target.as_str() {
        target if target.starts_with("/v2/nothing/") => (
            "200 OK".to_owned(),
            r#"{"name":"nothing","tags":null}"#.to_owned(),
        ),
        target if target.contains("last=v1") => page(&[], None),
        _ => page(&["v1.0.0"], Some("?last=v1")),
    });
    let registry = script.registry();
    assert!(tags(&registry, "nothing").await.unwrap().is_empty());
    assert_eq!(tags(&registry, "a").await.unwrap(), ["v1.0.0"]);
}

#[tokio::test]
async fn a_hundred_who_ask_at_once_are_one_request() {
    let script = Script::start(|_, _| page(&["v1.0.0"], None));
    let registry = script.registry();
    let all = futures::future::join_all((0..100).map(|_| tags(&registry, "a"))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn a_failure_is_shared_and_asked_again_later_and_a_listing_grows_old() {
    let broken = Arc::new(AtomicUsize::new(1));
    let state = Arc::clone(&broken);
    let script = Script::start(move |_, _| match state.load(Ordering::SeqCst) {
        0 => page(&["v1.0.0"], None),
        _ => ("503 Busy".to_owned(), String::new()),
    });
    let passed = Arc::new(AtomicU64::new(0));
    let (start, clock) = (Instant::now(), Arc::clone(&passed));
    let registry = Registry::new(Settings {
        clock: Arc::new(move || start + Duration::from_secs(clock.load(Ordering::SeqCst))),
        ..script.settings("/")
    })
    .unwrap();

    let all = futures::future::join_all((0..20).map(|_| tags(&registry, "a"))).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(
        script.requests().len(),
        1,
        "everybody hears of the one failure"
    );

    broken.store(0, Ordering::SeqCst);
    passed.store(6, Ordering::SeqCst);
    assert_eq!(tags(&registry, "a").await.unwrap(), ["v1.0.0"]);
    passed.store(65, Ordering::SeqCst);
    tags(&registry, "a").await.unwrap();
    assert_eq!(script.requests().len(), 2, "59 seconds old is young enough");
    passed.store(67, Ordering::SeqCst);
    tags(&registry, "a").await.unwrap();
    registry.forget("a");
    tags(&registry, "a").await.unwrap();
    assert_eq!(script.requests().len(), 4);
}

#[tokio::test]
async fn a_token_is_fetched_once_and_the_password_goes_to_nobody_else() {
    let script = Script::start(|own, request| {
        if request.target.starts_with("/token") {
            assert!(
                request.target.contains("scope=repository%3Aa%3Apull"),
                "{}",
                request.target
            );
            assert!(
                request.headers.contains("authorization: basic "),
                "{}",
                request.headers
            );
            return (
                "200 OK".to_owned(),
                r#"{"access_token":"t0ken"}"#.to_owned(),
            );
        }
        if request.headers.contains("authorization: bearer t0ken") {
            return page(&["v1.0.0"], None);
        }
        let challenge =
            format!("Bearer realm=\"{own}/token\",service=\"r\",scope=\"repository:a:pull\"");
        (
            format!("401 Who\r\nwww-authenticate: {challenge}"),
            String::new(),
        )
    });
    let registry = Registry::new(with_password(script.settings("/"))).unwrap();
    for _ in 0..3 {
        tags(&registry, "a").await.unwrap();
        registry.forget("a");
    }
    let targets: Vec<_> = script
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    let asked_for_tokens = targets
        .iter()
        .filter(|target| target.starts_with("/token"))
        .count();
    assert_eq!(asked_for_tokens, 1, "{targets:?}");

    let elsewhere = Script::start(|_, request| {
        assert!(
            !request.headers.contains("authorization"),
            "the password left its host"
        );
        ("403 No".to_owned(), String::new())
    });
    let other = elsewhere.address.replace("127.0.0.1", "localhost");
    let script = Script::start(move |_, _| {
        (
            format!("401 Who\r\nwww-authenticate: Bearer realm=\"{other}/token\""),
            String::new(),
        )
    });
    let registry = Registry::new(with_password(script.settings("/"))).unwrap();
    let error = tags(&registry, "a").await.unwrap_err();
    assert!(matches!(error, RegistryError::Denied { .. }), "{error}");
    assert_eq!(elsewhere.requests().len(), 1);
}

fn with_password(settings: Settings) -> Settings {
    Settings {
        credentials: Some(Credentials {
            user: "slipway".to_owned(),
            password: "canary-registry".into(),
        }),
        ..settings
    }
}

#[tokio::test]
async fn a_registry_that_names_no_digest_has_its_manifest_hashed() {
    let script = Script::start(|_, _| ("200 OK".to_owned(), "{}".to_owned()));
    let digest = script.registry().digest("a", "v1").await.unwrap().unwrap();
    // sha256 of `{}`
    let expected = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(digest.as_str(), expected);
}

#[tokio::test]
async fn a_name_that_climbs_out_is_refused_and_addresses_are_checked() {
    let script = Script::start(|_, _| page(&[], None));
    for name in ["", "../x", "a//b", "a/./b"] {
        assert!(tags(&script.registry(), name).await.is_err(), "{name:?}");
    }
    assert!(script.requests().is_empty());
    let odd = Settings::new("ftp://registry.example/".parse().unwrap());
    assert!(matches!(
        Registry::new(odd),
        Err(RegistryError::Address { .. })
    ));
}
