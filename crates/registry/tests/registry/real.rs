//! What a real registry answers.

use jiff::Timestamp;
use registry::{Artifacts, Registry, RegistryError, Settings};

use crate::program::Program;

fn at() -> Timestamp {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

fn versions(tags: &[&str]) -> Vec<String> {
    tags.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn pages_digests_and_pins() {
    let program = Program::start();
    let registry = Registry::new(Settings::new(program.address().parse().unwrap())).unwrap();

    // More than the program gives on one page.
    let many: Vec<String> = (0..1_050).map(|patch| format!("v1.0.{patch}")).collect();
    program.push("many/tags", "one", &many).await;
    let found = registry.tags("many/tags").await.unwrap();
    assert_eq!(found.len(), many.len());
    assert!(many.iter().all(|tag| found.contains(tag)));

    let missing = registry.tags("no/such").await.unwrap_err();
    assert!(
        matches!(missing, RegistryError::NoRepository { .. }),
        "{missing}"
    );
    assert_eq!(registry.digest("many/tags", "v9.9.9").await.unwrap(), None);

    both_artifacts_are_wanted(&program, &registry).await;
}

async fn both_artifacts_are_wanted(program: &Program, registry: &Registry) {
    let artifacts = Artifacts::of_service("docker-releases", "oci-releases", "user-service");
    program
        .push(
            &artifacts.image,
            "image 1",
            &versions(&["v1.2.3", "latest"]),
        )
        .await;
    program
        .push(
            &artifacts.image,
            "image 2",
            &versions(&["v1.3.0", "v2.0.0"]),
        )
        .await;
    program
        .push(
            &artifacts.ansible,
            "playbooks",
            &versions(&["v1.2.3", "v1.3.0"]),
        )
        .await;

    let pin = registry
        .pin(&"^1.0.0.0".parse().unwrap(), &artifacts, at())
        .await
        .unwrap();
    assert_eq!(pin.tag, "v1.3.0");
    assert_eq!(
        pin.passed_over,
        ["v2.0.0 is not in oci-releases/user-service-ansible"]
    );
    assert_eq!(pin.considered, 4);
    let image = registry
        .digest(&artifacts.image, "v2.0.0")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(pin.image, image, "one manifest under two tags");
    assert_ne!(pin.image, pin.ansible);

    let only_half = registry
        .pin(&">=2.0.0".parse().unwrap(), &artifacts, at())
        .await
        .unwrap_err();
    assert!(
        matches!(only_half, RegistryError::HalfPublished { .. }),
        "{only_half}"
    );
    let nothing = registry
        .pin(&">=3".parse().unwrap(), &artifacts, at())
        .await
        .unwrap_err();
    assert!(matches!(nothing, RegistryError::NoTag { .. }), "{nothing}");
}
