//! `/load-balancers`.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::answer::{Answer, Answered, date};
use super::fields::Fields;
use super::listing::Listing;
use crate::account::refusal::Refusal;
use crate::account::service::Account;
use crate::account::state::{BalancerSettings, ForwardingRule, LoadBalancer, LoadBalancerRequest};

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/load-balancers", get(list).post(create))
        .route(
            "/load-balancers/{id}",
            get(show_one).patch(update).delete(remove),
        )
        .route(
            "/load-balancers/{id}/forwarding-rules",
            get(rules).post(add_rule),
        )
        .route(
            "/load-balancers/{id}/forwarding-rules/{rule}",
            get(rule).delete(remove_rule),
        )
        .route("/load-balancers/{id}/firewall-rules", get(firewall_rules))
}

fn show(balancer: &LoadBalancer) -> Value {
    let settings = &balancer.settings;
    let private: Vec<String> = balancer.nic.iter().map(|nic| nic.ip.to_string()).collect();
    let address = if balancer.active {
        balancer.address.to_string()
    } else {
        String::new()
    };
    json!({
        "id": balancer.id,
        "date_created": date(balancer.created),
        "region": balancer.region,
        "label": balancer.label,
        "status": if balancer.active { "active" } else { "pending" },
        "ipv4": address,
        "ipv6": "",
        "cname": "",
        "global_cname": "",
        "nodes": balancer.nodes,
        "instances": balancer.instances,
        "has_ssl": settings.has_ssl,
        "http2": settings.http2,
        "http3": settings.http3,
        "auto_ssl": settings.auto_ssl,
        "health_check": settings.health_check,
        "forwarding_rules": balancer.rules.iter().map(show_rule).collect::<Vec<_>>(),
        "firewall_rules": balancer.firewall_rules,
        "generic_info": {
            "balancing_algorithm": settings.balancing_algorithm,
            "timeout": settings.timeout,
            "ssl_redirect": settings.ssl_redirect,
            "proxy_protocol": settings.proxy_protocol,
            "sticky_sessions": {"cookie_name": settings.cookie_name},
            "vpc": balancer.nic.as_ref().map_or("", |nic| nic.vpc_id.as_str()),
        },
        "global_regions": settings.global_regions,
        "node_ips": {"v4": if balancer.active { vec![address.clone()] } else { Vec::new() }, "v6": [], "private": private},
    })
}

fn show_rule(rule: &ForwardingRule) -> Value {
    json!({
        "id": rule.id,
        "frontend_protocol": rule.frontend_protocol,
        "frontend_port": rule.frontend_port,
        "backend_protocol": rule.backend_protocol,
        "backend_port": rule.backend_port,
    })
}

fn read_rule(fields: &Fields) -> Result<ForwardingRule, Refusal> {
    Ok(ForwardingRule {
        id: fields.text("id")?.unwrap_or_default(),
        frontend_protocol: fields.required("frontend_protocol")?,
        frontend_port: fields.count("frontend_port")?.unwrap_or(0),
        backend_protocol: fields.required("backend_protocol")?,
        backend_port: fields.count("backend_port")?.unwrap_or(0),
    })
}

/// What the request says, on top of how the load balancer stands.
fn read(
    fields: &Fields,
    region: String,
    mut settings: BalancerSettings,
) -> Result<LoadBalancerRequest, Refusal> {
    let rules = fields.list("forwarding_rules")?;
    let rules = rules
        .map(|rules| {
            rules
                .iter()
                .map(|rule| read_rule(&Fields::from_value(rule)?))
                .collect()
        })
        .transpose()?;
    settings.has_ssl |= fields.object("ssl")?.is_some();
    settings.http2 = fields.flag("http2")?.unwrap_or(settings.http2);
    settings.http3 = fields.flag("http3")?.unwrap_or(settings.http3);
    settings.ssl_redirect = fields
        .flag("ssl_redirect")?
        .unwrap_or(settings.ssl_redirect);
    settings.proxy_protocol = fields
        .flag("proxy_protocol")?
        .unwrap_or(settings.proxy_protocol);
    settings.timeout = fields.number("timeout")?.unwrap_or(settings.timeout);
    if let Some(algorithm) = fields
        .text("balancing_algorithm")?
        .filter(|algorithm| !algorithm.is_empty())
    {
        if !matches!(algorithm.as_str(), "roundrobin" | "leastconn") {
            return Err(Refusal::invalid("Invalid balancing_algorithm"));
        }
        settings.balancing_algorithm = algorithm;
    }
    overlay(&mut settings.auto_ssl, fields.object("auto_ssl")?);
    overlay(&mut settings.health_check, fields.object("health_check")?);
    if let Some(sticky) = fields.object("sticky_session")? {
        settings.cookie_name = Fields::from_value(sticky)?
            .text("cookie_name")?
            .unwrap_or_default();
    }
    if let Some(regions) = fields.list("global_regions")? {
        settings.global_regions = json!(regions);
    }
    Ok(LoadBalancerRequest {
        region,
        label: fields.text("label")?,
        nodes: fields.count("nodes")?,
        instances: fields.texts("instances")?,
        rules,
        firewall_rules: fields.list("firewall_rules")?.cloned(),
        settings,
        vpc: fields.text("vpc")?,
        cluster_id: None,
    })
}

/// Lays the given, non-null fields over an object.
fn overlay(base: &mut Value, given: Option<&Value>) {
    for (name, value) in given
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
    {
        base[name] = value.clone();
    }
}

async fn list(State(account): State<Account>, listing: Listing) -> Answered {
    Ok(account.work(|state| {
        listing.page(
            "load_balancers",
            state.load_balancers.listed(listing.stale),
            show,
        )
    }))
}

async fn create(State(account): State<Account>, fields: Fields) -> Answered {
    let request = read(
        &fields,
        fields.required("region")?,
        BalancerSettings::default(),
    )?;
    account.change(|state| {
        Ok(Answer::accepted(
            json!({"load_balancer": show(state.create_load_balancer(request)?)}),
        ))
    })
}

async fn show_one(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        Ok(Answer::ok(
            json!({"load_balancer": show(state.load_balancers.find(&id)?)}),
        ))
    })
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    account.change(|state| {
        let balancer = state.load_balancers.find(&id)?;
        let request = read(&fields, balancer.region.clone(), balancer.settings.clone())?;
        state.change_load_balancer(&id, request)
    })?;
    Ok(Answer::done())
}

async fn remove(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.delete_load_balancer(&id))?;
    Ok(Answer::done())
}

async fn rules(
    State(account): State<Account>,
    Path(id): Path<String>,
    listing: Listing,
) -> Answered {
    account.work(|state| {
        Ok(listing.page_of(
            "forwarding_rules",
            state.load_balancers.find(&id)?.rules.iter(),
            show_rule,
        ))
    })
}

async fn add_rule(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let rule = read_rule(&fields)?;
    let rule = account.change(|state| state.add_rule(&id, rule))?;
    Ok(Answer::accepted(
        json!({"forwarding_rule": show_rule(&rule)}),
    ))
}

async fn rule(
    State(account): State<Account>,
    Path((id, rule)): Path<(String, String)>,
) -> Answered {
    account.work(|state| {
        let found = state.load_balancers.find(&id)?.rules.iter().find(|known| known.id == rule);
        Ok(Answer::ok(json!({"forwarding_rule": show_rule(found.ok_or_else(|| Refusal::new(404, "Invalid forwarding rule ID"))?)})))
    })
}

async fn remove_rule(
    State(account): State<Account>,
    Path((id, rule)): Path<(String, String)>,
) -> Answered {
    account.change(|state| state.delete_rule(&id, &rule))?;
    Ok(Answer::done())
}

async fn firewall_rules(
    State(account): State<Account>,
    Path(id): Path<String>,
    listing: Listing,
) -> Answered {
    account.work(|state| {
        Ok(listing.page_of(
            "firewall_rules",
            state.load_balancers.find(&id)?.firewall_rules.iter(),
            Value::clone,
        ))
    })
}
