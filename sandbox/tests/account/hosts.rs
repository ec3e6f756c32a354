//! Instances as machines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use slipway_sandbox::world::Disturbance;

use crate::cloud::{Asked, Cloud, instance_wish};

#[tokio::test]
async fn an_instance_is_active_before_it_is_installed() {
    let cloud = Cloud::open().await;
    let public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfF key";
    let key = cloud
        .post("/ssh-keys", json!({"name": "k", "ssh_key": public_key}))
        .await["ssh_key"]["id"]
        .clone();
    let mut wish = instance_wish("host");
    wish["sshkey_id"] = json!([key]);
    wish["user_data"] = json!(STANDARD.encode("#cloud-config\n"));
    let made = cloud.call("POST", "/instances", Some(wish)).await;
    assert_eq!(made.status, 202);
    let new = &made.body["instance"];
    assert_eq!(
        (&new["status"], &new["main_ip"]),
        (&json!("pending"), &json!("0.0.0.0"))
    );
    assert_ne!(new["default_password"], "");
    let path = format!("/instances/{}", new["id"].as_str().unwrap());

    cloud.advance(60).await;
    let booting = cloud.get(&path).await["instance"].clone();
    assert_eq!(
        (&booting["status"], &booting["main_ip"]),
        (&json!("active"), &json!("127.64.0.1"))
    );
    assert_eq!(
        (&booting["power_status"], &booting["server_status"]),
        (&json!("running"), &json!("installingbooting"))
    );
    let boot = Asked::Boot {
        label: b"#cloud-config\n".to_vec(),
        keys: 1,
    };
    cloud.asked(|asked| asked == [boot.clone()]).await;

    cloud.advance(60).await;
    let mut state = cloud.get(&path).await["instance"]["server_status"].clone();
    while state != "ok" {
        state = cloud.get(&path).await["instance"]["server_status"].clone();
    }
    cloud.advance(600).await;
    assert_eq!(
        cloud.get(&path).await["instance"]["default_password"],
        "",
        "shown for ten minutes only"
    );
    let data = cloud.get(&format!("{path}/user-data")).await;
    assert_eq!(
        data["user_data"]["data"],
        STANDARD.encode("#cloud-config\n")
    );
}

#[tokio::test]
async fn power_follows_the_calls_and_reaches_the_engines() {
    let cloud = Cloud::open().await;
    let id = cloud.instance("host").await;
    cloud.advance(60).await;
    for (verb, shown) in [
        ("halt", "stopped"),
        ("halt", "stopped"),
        ("start", "running"),
        ("reboot", "running"),
    ] {
        let reply = cloud
            .call("POST", &format!("/instances/{id}/{verb}"), None)
            .await;
        assert_eq!(reply.status, 204);
        assert_eq!(
            cloud.get(&format!("/instances/{id}")).await["instance"]["power_status"],
            shown
        );
    }
    let reply = cloud
        .call(
            "POST",
            "/instances/halt",
            Some(json!({"instance_ids": [id]})),
        )
        .await;
    assert_eq!(reply.status, 204);
    cloud.delete(&format!("/instances/{id}")).await;
    let asked = cloud
        .asked(|asked| asked.last() == Some(&Asked::Power("destroy")))
        .await;
    let power: Vec<_> = asked
        .iter()
        .filter(|asked| matches!(asked, Asked::Power(_)))
        .cloned()
        .collect();
    assert_eq!(
        power,
        ["halt", "resume", "reboot", "halt", "destroy"].map(Asked::Power)
    );
}

#[tokio::test]
async fn a_host_can_be_made_to_misbehave_before_and_after_its_boot() {
    let cloud = Cloud::open().await;
    cloud
        .fault(json!({"instance": {"label": "slipway:*:bootstrap", "sshd_down": true}}))
        .await;
    cloud.instance("slipway:acme:bootstrap").await;
    cloud.instance("other").await;
    cloud.advance(60).await;
    let boots = |asked: &[Asked]| {
        asked
            .iter()
            .filter(|asked| matches!(asked, Asked::Boot { .. }))
            .count()
    };
    let asked = cloud.asked(|asked| boots(asked) == 2).await;
    let down = Asked::Disturb(Disturbance::SshdDown);
    assert_eq!(asked.iter().filter(|asked| **asked == down).count(), 1);

    cloud
        .fault(json!({"instance": {"drop_connections": true, "reboot": true}}))
        .await;
    cloud
        .asked(|asked| {
            asked
                .iter()
                .filter(|asked| matches!(asked, Asked::Disturb(_)))
                .count()
                == 5
        })
        .await;
    cloud.clear_faults().await;
    cloud
        .asked(|asked| asked.last() == Some(&Asked::Disturb(Disturbance::SshdUp)))
        .await;
}

#[tokio::test]
async fn instances_are_found_by_label_tag_and_region() {
    let cloud = Cloud::open().await;
    let mut wish = instance_wish("a b");
    wish["tags"] = json!(["slipway:acme", "slipway-role:bootstrap"]);
    let tagged = cloud.post("/instances", wish).await["instance"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    cloud.instance("other").await;
    for query in ["label=a%20b", "tag=slipway:acme", "label=a%20b&region=ams"] {
        assert_eq!(
            cloud.ids(&format!("/instances?{query}"), "instances").await,
            std::slice::from_ref(&tagged),
            "{query}"
        );
    }
    assert_eq!(cloud.get("/instances?region=fra").await["meta"]["total"], 0);
    let path = format!("/instances/{tagged}");
    let changed = cloud
        .call(
            "PATCH",
            &path,
            Some(json!({"tags": ["x"], "ddos_protection": null, "plan": "vc2-2c-4gb"})),
        )
        .await;
    assert_eq!(changed.status, 202);
    assert_eq!(
        (
            &changed.body["instance"]["tags"],
            &changed.body["instance"]["plan"]
        ),
        (&json!(["x"]), &json!("vc2-2c-4gb"))
    );
    cloud.check().await;
}
