//! `/instances`.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, Answered, date};
use super::fields::Fields;
use super::listing::Listing;
use super::vpcs::mac;
use crate::account::refusal::Refusal;
use crate::account::service::Account;
use crate::account::state::{
    Instance, InstanceChange, InstanceRequest, Nic, Power, State as Contents, Vpc,
};

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/instances", get(list).post(create))
        .route("/instances/start", post(start_all))
        .route("/instances/halt", post(halt_all))
        .route("/instances/reboot", post(reboot_all))
        .route(
            "/instances/{id}",
            get(show_one).patch(update).delete(remove),
        )
        .route("/instances/{id}/start", post(start))
        .route("/instances/{id}/halt", post(halt))
        .route("/instances/{id}/reboot", post(reboot))
        .route("/instances/{id}/reinstall", post(reinstall))
        .route("/instances/{id}/user-data", get(user_data))
        .route("/instances/{id}/vpcs", get(vpcs))
        .route("/instances/{id}/vpcs/attach", post(attach))
        .route("/instances/{id}/vpcs/detach", post(detach))
        .route("/instances/{id}/vpc2", get(vpc2))
        .route("/instances/{id}/backup-schedule", get(backup_schedule))
        .route("/instances/{id}/ipv4", get(ipv4))
        .route("/instances/{id}/ipv6", get(ipv6))
}

const NO_ADDRESS: &str = "0.0.0.0";

fn show(contents: &Contents, instance: &Instance) -> Value {
    let address = instance.public_address().map(|address| address.to_string());
    let gateway = instance.active.then(|| {
        let [first, second, third, _] = instance.address.octets();
        format!("{first}.{second}.{third}.254")
    });
    let vpcs = instance.nics.iter().map(
        |nic| json!({"id": nic.vpc_id, "subnet": contents.vpcs.get(&nic.vpc_id).map(Vpc::cidr)}),
    );
    json!({
        "id": instance.id,
        "label": instance.label,
        "hostname": instance.hostname,
        "region": instance.region,
        "plan": instance.plan.id,
        "os": instance.image.map_or("", |image| image.name),
        "os_id": instance.image.map_or(0, |image| image.id),
        "app_id": 0,
        "image_id": "",
        "snapshot_id": "",
        "ram": instance.plan.ram_mb,
        "disk": instance.plan.disk_gb,
        "vcpu_count": instance.plan.vcpu_count,
        "allowed_bandwidth": 1024 * u64::from(instance.plan.vcpu_count),
        "main_ip": address.as_deref().unwrap_or(NO_ADDRESS),
        "netmask_v4": if instance.active { "255.255.255.0" } else { "" },
        "gateway_v4": gateway.as_deref().unwrap_or(NO_ADDRESS),
        "internal_ip": instance.nics.first().map_or_else(String::new, |nic| nic.ip.to_string()),
        "v6_main_ip": "",
        "v6_network": "",
        "v6_network_size": 0,
        "kvm": format!("https://my.vultr.com/subs/vps/novnc/api.php?data={}", instance.console_token),
        "default_password": instance.visible_password(contents.now),
        "date_created": date(instance.created),
        "status": if instance.active { "active" } else { "pending" },
        "power_status": if instance.power == Power::Running { "running" } else { "stopped" },
        "server_status": instance.server_status(contents.now),
        "firewall_group_id": instance.firewall_group_id,
        "features": instance.features,
        "tag": instance.tags.first().map_or("", String::as_str),
        "tags": instance.tags,
        "user_scheme": instance.user_scheme,
        "vpc_only": instance.node.as_ref().is_some_and(|role| role.vpc_only),
        "vpcs": vpcs.collect::<Vec<_>>(),
    })
}

#[derive(Deserialize)]
struct Filter {
    label: Option<String>,
    main_ip: Option<String>,
    region: Option<String>,
    tag: Option<String>,
    firewall_group_id: Option<String>,
}

impl Filter {
    fn fits(&self, instance: &Instance) -> bool {
        let equal = |wanted: &Option<String>, value: &str| {
            wanted
                .as_deref()
                .is_none_or(|wanted| wanted.is_empty() || wanted == value)
        };
        let tagged = self
            .tag
            .as_deref()
            .is_none_or(|tag| tag.is_empty() || instance.tags.iter().any(|known| known == tag));
        tagged
            && equal(&self.label, &instance.label)
            && equal(&self.main_ip, &instance.address.to_string())
            && equal(&self.region, &instance.region)
            && equal(&self.firewall_group_id, &instance.firewall_group_id)
    }
}

async fn list(
    State(account): State<Account>,
    listing: Listing,
    Query(filter): Query<Filter>,
) -> Answered {
    Ok(account.work(|state| {
        let found = state
            .instances
            .listed(listing.stale)
            .filter(|(_, instance)| filter.fits(instance));
        listing.page("instances", found, |instance| show(state, instance))
    }))
}

async fn create(State(account): State<Account>, fields: Fields) -> Answered {
    let request = read(&fields)?;
    account.change(|state| {
        let id = state.create_instance(request)?.id.clone();
        Ok(Answer::accepted(
            json!({"instance": show(state, state.instances.find(&id)?)}),
        ))
    })
}

fn read(fields: &Fields) -> Result<InstanceRequest, Refusal> {
    let others = [
        "iso_id",
        "snapshot_id",
        "app_id",
        "image_id",
        "reserved_ipv4",
        "script_id",
    ];
    for other in others {
        if fields.number(other).ok().flatten().unwrap_or(0) > 0
            || fields
                .text(other)
                .ok()
                .flatten()
                .is_some_and(|id| !id.is_empty())
        {
            return Err(Refusal::invalid(format!(
                "`{other}` cannot be used in the rehearsal"
            )));
        }
    }
    for unsupported in ["vpc_only", "disable_public_ipv4"] {
        if fields.flag(unsupported)? == Some(true) {
            return Err(Refusal::invalid(format!(
                "`{unsupported}` cannot be used in the rehearsal: its hosts have an address each"
            )));
        }
    }
    Ok(InstanceRequest {
        region: fields.required("region")?,
        plan: fields.required("plan")?,
        os_id: fields
            .number("os_id")?
            .ok_or_else(|| Refusal::invalid("`os_id` is required"))?,
        label: fields.text("label")?.unwrap_or_default(),
        hostname: fields.text("hostname")?.unwrap_or_default(),
        tags: fields.texts("tags")?.unwrap_or_default(),
        user_data: fields.text("user_data")?.unwrap_or_default(),
        ssh_key_ids: fields.texts("sshkey_id")?.unwrap_or_default(),
        attach_vpc: fields.texts("attach_vpc")?.unwrap_or_default(),
        enable_vpc: fields.flag("enable_vpc")?.unwrap_or(false),
        features: features(fields)?,
        firewall_group_id: fields.text("firewall_group_id")?.unwrap_or_default(),
        user_scheme: fields.text("user_scheme")?,
    })
}

fn features(fields: &Fields) -> Result<Vec<&'static str>, Refusal> {
    let wanted = [
        (
            fields.text("backups")?.as_deref() == Some("enabled"),
            "auto_backups",
        ),
        (fields.flag("enable_ipv6")?.unwrap_or(false), "ipv6"),
        (
            fields.flag("ddos_protection")?.unwrap_or(false),
            "ddos_protection",
        ),
    ];
    Ok(wanted
        .into_iter()
        .filter_map(|(on, feature)| on.then_some(feature))
        .collect())
}

async fn show_one(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        Ok(Answer::ok(
            json!({"instance": show(state, state.instances.find(&id)?)}),
        ))
    })
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let change = InstanceChange {
        label: fields.text("label")?,
        tags: fields.texts("tags")?,
        plan: fields.text("plan")?,
        user_data: fields.text("user_data")?,
        attach_vpc: fields.texts("attach_vpc")?.unwrap_or_default(),
        detach_vpc: fields.texts("detach_vpc")?.unwrap_or_default(),
        firewall_group_id: fields.text("firewall_group_id")?,
    };
    account.change(|state| {
        state.change_instance(&id, change)?;
        Ok(Answer::accepted(
            json!({"instance": show(state, state.instances.find(&id)?)}),
        ))
    })
}

async fn remove(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.delete_instance(&id))?;
    Ok(Answer::done())
}

fn switch(account: &Account, ids: &[String], power: Power, restart: bool) -> Answered {
    account.change(|state| {
        for id in ids {
            state.instances.find(id)?;
        }
        ids.iter()
            .try_for_each(|id| state.switch_instance(id, power, restart))
    })?;
    Ok(Answer::done())
}

async fn start(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    switch(&account, &[id], Power::Running, false)
}

async fn halt(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    switch(&account, &[id], Power::Stopped, false)
}

async fn reboot(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    switch(&account, &[id], Power::Running, true)
}

async fn start_all(State(account): State<Account>, fields: Fields) -> Answered {
    switch(
        &account,
        &fields.texts("instance_ids")?.unwrap_or_default(),
        Power::Running,
        false,
    )
}

async fn halt_all(State(account): State<Account>, fields: Fields) -> Answered {
    switch(
        &account,
        &fields.texts("instance_ids")?.unwrap_or_default(),
        Power::Stopped,
        false,
    )
}

async fn reboot_all(State(account): State<Account>, fields: Fields) -> Answered {
    switch(
        &account,
        &fields.texts("instance_ids")?.unwrap_or_default(),
        Power::Running,
        true,
    )
}

async fn reinstall(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let hostname = fields.text("hostname")?;
    account.change(|state| {
        state.reinstall_instance(&id, hostname)?;
        Ok(Answer::accepted(
            json!({"instance": show(state, state.instances.find(&id)?)}),
        ))
    })
}

async fn user_data(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        Ok(Answer::ok(
            json!({"user_data": {"data": state.instances.find(&id)?.user_data}}),
        ))
    })
}

async fn vpcs(
    State(account): State<Account>,
    Path(id): Path<String>,
    listing: Listing,
) -> Answered {
    account.work(|state| {
        let instance = state.instances.find(&id)?;
        Ok(listing.page_of(
            "vpcs",
            instance.nics.iter(),
            |nic: &Nic| json!({"id": nic.vpc_id, "mac_address": mac(nic), "ip_address": nic.ip}),
        ))
    })
}

async fn attach(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let vpc_id = fields.required("vpc_id")?;
    account.change(|state| state.attach_vpc(&id, &vpc_id))?;
    Ok(Answer::done())
}

async fn detach(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let vpc_id = fields.required("vpc_id")?;
    account.change(|state| state.detach_vpc(&id, &vpc_id))?;
    Ok(Answer::done())
}

/// The vendor's own Terraform provider still asks for it.
async fn vpc2(
    State(account): State<Account>,
    Path(id): Path<String>,
    listing: Listing,
) -> Answered {
    account.work(|state| {
        state.instances.find(&id)?;
        Ok(listing.page_of("vpcs", std::iter::empty::<&Nic>(), |_| Value::Null))
    })
}

async fn backup_schedule(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        let enabled = state.instances.find(&id)?.features.contains(&"auto_backups");
        Ok(Answer::ok(json!({"backup_schedule": {
            "enabled": enabled, "type": if enabled { "daily" } else { "" }, "next_scheduled_time_utc": "", "hour": 0, "dow": 0, "dom": 0,
        }})))
    })
}

async fn ipv4(
    State(account): State<Account>,
    Path(id): Path<String>,
    listing: Listing,
) -> Answered {
    account.work(|state| {
        let instance = state.instances.find(&id)?;
        let public = instance.active.then_some((instance.address, "main_ip"));
        let addresses: Vec<_> = public.into_iter().chain(instance.nics.iter().map(|nic| (nic.ip, "private"))).collect();
        Ok(listing.page_of("ipv4s", addresses.iter(), |(ip, kind): &(std::net::Ipv4Addr, &str)| {
            json!({"ip": ip, "netmask": "255.255.255.0", "gateway": "", "type": kind, "reverse": ""})
        }))
    })
}

async fn ipv6(
    State(account): State<Account>,
    Path(id): Path<String>,
    listing: Listing,
) -> Answered {
    account.work(|state| {
        state.instances.find(&id)?;
        Ok(listing.page_of("ipv6s", std::iter::empty::<&Nic>(), |_| Value::Null))
    })
}
