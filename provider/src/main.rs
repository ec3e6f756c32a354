//! Terraform provider for Slipway platforms.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod allowance;
mod bootstrap_host;
mod bootstrap_place;
mod bootstrap_run;
mod catalog_data;
mod catalogue;
mod cloud_init;
mod cluster_access;
mod component_catalog;
mod drain;
mod duration;
mod environment_claim;
mod environment_type_data;
mod environments;
mod fault;
mod fresh;
mod host_keys;
mod import_words;
mod kubeconfig;
mod kubernetes_version;
mod lists;
mod mark;
mod moved;
mod nearest;
mod network;
mod node_plan;
mod node_pool;
mod nodes;
mod platform;
mod platform_api;
mod pool_kind;
mod pool_mark;
mod price;
mod price_function;
mod provider;
mod rehearsal_pace;
mod resolve_version;
mod run_component_action;
mod session;
mod stock;
mod surge;
mod upgrade;
mod upgrade_action;

use std::process::ExitCode;

use tfplugin::Options;

/// The address under which Terraform knows the provider.
const ADDRESS: &str = "registry.terraform.io/slipway/slipway";

fn main() -> ExitCode {
    tfplugin::run(
        provider::Slipway,
        Options::new(ADDRESS).log_target("terraform_provider_slipway"),
    )
}
