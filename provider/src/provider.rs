//! The provider: its block, and everything that it offers.

use std::path::PathBuf;

use secrecy::SecretString;
use tfplugin::value::{Attr, FromValue};
use tfplugin::{
    Action, Attribute, Configure, DataSource, Diagnostics, EphemeralResource, Function,
    ListResource, Object, Provider, Resource, Schema, async_trait,
};
use url::Url;

use crate::catalog_data::CatalogData;
use crate::environment_claim::{EnvironmentClaimList, EnvironmentClaimResource};
use crate::environment_type_data::EnvironmentTypeData;
use crate::environments::EnvironmentsData;
use crate::fault::{self, Fault};
use crate::kubeconfig::Kubeconfig;
use crate::lists::{NodePoolList, PlatformList};
use crate::node_pool::NodePoolResource;
use crate::platform::PlatformResource;
use crate::price_function::MonthlyPrice;
use crate::resolve_version::ResolveVersion;
use crate::run_component_action::RunComponentAction;
use crate::session::{ProviderSettings, Session};
use crate::upgrade_action::UpgradeAction;

/// The Slipway provider.
pub(crate) struct Slipway;

#[async_trait]
impl Provider for Slipway {
    type Client = Session;

    fn schema(&self) -> Schema {
        Schema::new()
            .describe(
                "Launches multi-tenant Kubernetes platforms on Vultr.\n\nThe account's key comes from `VULTR_API_KEY`. Kubeconfigs, keys and passwords are stored in no state.",
            )
            .attribute(
                "api_key",
                Attribute::string().optional().sensitive().describe("Key of the Vultr account. Default: `VULTR_API_KEY`."),
            )
            .attribute(
                "api_url",
                Attribute::string()
                    .optional()
                    .describe("Address of the Vultr API, for a private endpoint or the sandbox. Default: `SLIPWAY_API_URL`, else Vultr's."),
            )
            .attribute(
                "chart_mirror",
                Attribute::string()
                    .optional()
                    .describe("Address of a chart repository to fetch every chart from. Default: `SLIPWAY_CHART_MIRROR`, else each chart's own repository."),
            )
            .attribute(
                "bootstrap_path",
                Attribute::string()
                    .optional()
                    .describe("Path of `slipway-bootstrap`. Default: `SLIPWAY_BOOTSTRAP`, else the one beside the provider."),
            )
            .attribute(
                "platform_api_url",
                Attribute::string()
                    .optional()
                    .describe("Address of a platform's own API. With it, `slipway_environment_claim` goes through that API with the rights of `platform_api_token`, and needs no key of the account. Default: `SLIPWAY_PLATFORM_API_URL`, else claims go into the platform's store."),
            )
            .attribute(
                "platform_api_token",
                Attribute::string()
                    .optional()
                    .sensitive()
                    .describe("Bearer token for `platform_api_url`, best from an ephemeral value; it is stored nowhere. It stands here and not in the resource because Terraform hands a resource's write-only values to no refresh, import or destroy. Default: `SLIPWAY_PLATFORM_API_TOKEN`."),
            )
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        let mut faults = Diagnostics::new();
        for name in ["api_url", "chart_mirror", "platform_api_url"] {
            if let Some(Attr::Known(text)) = faults.collect(config.get::<Attr<String>>(name))
                && let Err(why) = check_url(&text)
            {
                faults.append(
                    Fault::new(
                        fault::PROVIDER_SETTINGS,
                        format!("{name} is {text:?}: {why}."),
                    )
                    .at(name),
                );
            }
        }
        faults
    }

    async fn configure(&self, op: &mut Configure) -> Result<Session, Diagnostics> {
        let mut settings = ProviderSettings::default();
        let unknown = &mut settings.unknown;
        settings.api_key =
            setting::<SecretString>(&op.config, "api_key", "VULTR_API_KEY", unknown)?;
        settings.api_url = setting::<String>(&op.config, "api_url", "SLIPWAY_API_URL", unknown)?;
        settings.chart_mirror =
            setting::<String>(&op.config, "chart_mirror", "SLIPWAY_CHART_MIRROR", unknown)?;
        settings.bootstrap_path =
            setting::<String>(&op.config, "bootstrap_path", "SLIPWAY_BOOTSTRAP", unknown)?
                .map(PathBuf::from);
        let platform_api = setting::<String>(
            &op.config,
            "platform_api_url",
            "SLIPWAY_PLATFORM_API_URL",
            unknown,
        )?;
        let token = setting::<SecretString>(
            &op.config,
            "platform_api_token",
            "SLIPWAY_PLATFORM_API_TOKEN",
            unknown,
        )?;
        settings.platform_api = match platform_api {
            Some(address) if settings.unknown != Some("platform_api_token") => {
                Some(platform_api_of(&address, token)?)
            }
            _ => None,
        };
        for (variable, text) in [
            ("SLIPWAY_API_URL", &settings.api_url),
            ("SLIPWAY_CHART_MIRROR", &settings.chart_mirror),
        ] {
            if let Some(text) = text
                && let Err(why) = check_url(text)
            {
                return Err(Fault::new(
                    fault::PROVIDER_SETTINGS,
                    format!("{variable} is {text:?}: {why}."),
                )
                .into());
            }
        }
        Ok(Session::new(settings))
    }

    fn resources(&self) -> Vec<Box<dyn Resource<Session>>> {
        vec![
            Box::new(PlatformResource),
            Box::new(NodePoolResource),
            Box::new(EnvironmentClaimResource),
        ]
    }

    fn data_sources(&self) -> Vec<Box<dyn DataSource<Session>>> {
        vec![
            Box::new(CatalogData),
            Box::new(EnvironmentTypeData),
            Box::new(EnvironmentsData),
        ]
    }

    fn ephemeral_resources(&self) -> Vec<Box<dyn EphemeralResource<Session>>> {
        vec![Box::new(Kubeconfig)]
    }

    fn list_resources(&self) -> Vec<Box<dyn ListResource<Session>>> {
        vec![
            Box::new(PlatformList),
            Box::new(NodePoolList),
            Box::new(EnvironmentClaimList),
        ]
    }

    fn actions(&self) -> Vec<Box<dyn Action<Session>>> {
        vec![Box::new(UpgradeAction), Box::new(RunComponentAction)]
    }

    fn functions(&self) -> Vec<Box<dyn Function>> {
        vec![Box::new(ResolveVersion), Box::new(MonthlyPrice)]
    }
}

/// A setting from the block, else from the environment. One that is not known yet is remembered by name.
fn setting<T: FromValue + From<String>>(
    config: &Object,
    name: &'static str,
    variable: &str,
    unknown: &mut Option<&'static str>,
) -> Result<Option<T>, Diagnostics> {
    match config.get::<Attr<T>>(name)? {
        Attr::Known(value) => Ok(Some(value)),
        Attr::Unknown => {
            *unknown = Some(name);
            Ok(None)
        }
        Attr::Null => Ok(std::env::var(variable)
            .ok()
            .filter(|text| !text.is_empty())
            .map(T::from)),
    }
}

/// The platform's API. An address without a token is told at once, before anything is planned with it.
fn platform_api_of(
    address: &str,
    token: Option<SecretString>,
) -> Result<(Url, SecretString), Fault> {
    let refused = |why: &str| {
        let words = format!("platform_api_url is {address:?}: {why}.");
        Fault::new(fault::PROVIDER_SETTINGS, words)
    };
    check_url(address).map_err(|why| refused(&why))?;
    let url = Url::parse(address).map_err(|error| refused(&error.to_string()))?;
    let token = token.ok_or_else(|| {
        refused("there is no token for it. Set platform_api_token from an ephemeral value, or export SLIPWAY_PLATFORM_API_TOKEN")
    })?;
    Ok((url, token))
}

fn check_url(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| format!("it is no URL ({error})"))?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(())
    } else {
        Err("allowed are http:// and https:// addresses".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_before_anything_is_sent() {
        let provider = Slipway;
        assert!(
            provider
                .validate(&Object::new().with("api_url", "http://127.0.0.1:8080/prefix"))
                .is_empty()
        );
        for bad in ["127.0.0.1:8080", "ftp://host", "nonsense"] {
            let faults = provider.validate(&Object::new().with("api_url", bad));
            assert_eq!(faults.len(), 1, "{bad}");
        }
    }
}
