//! `terraform query` for claims: what stands in a platform's claim store.

use tfplugin::{Attribute, Diagnostics, Found, List, ListResource, Object, Schema, async_trait};

use super::{platform_of, settle};
use crate::environments::{require_cluster, store_fault, store_of};
use crate::session::Session;

/// Lists the claims of a platform.
pub(crate) struct EnvironmentClaimList;

#[async_trait]
impl ListResource<Session> for EnvironmentClaimList {
    fn type_name(&self) -> &'static str {
        super::TYPE_NAME
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe("Every claim in a platform's claim store. Needs Terraform 1.14.")
            .attribute(
                "platform_id",
                Attribute::string()
                    .required()
                    .describe("Id of the platform."),
            )
    }

    async fn list(&self, op: &mut List<Session>) -> Result<(), Diagnostics> {
        let session = op.client.clone();
        let platform = platform_of(&op.config)?;
        let cluster = require_cluster(&session, &platform, None).await?;
        let store = store_of(&session, &platform, &cluster).await?;
        let Some(store) = store.as_ref() else {
            return Ok(());
        };
        let swept = store.sweep().await;
        let swept = swept.map_err(|error| store_fault("listing the claims", &error))?;
        for stored in &swept.claims {
            let identity = Object::new().with("platform_id", platform.as_str()).with(
                "environment_name",
                stored.claim.environment_name.to_string(),
            );
            let name = format!("{} of {}", stored.claim.environment_name, stored.claim.user);
            let mut found = Found::new(identity.clone(), name);
            if op.include_object {
                let mut state = identity;
                settle(&mut state, &platform, Some(&cluster), stored);
                state.set("wait_for", "accepted");
                found = found.with_object(state);
            }
            if op.push(found).is_break() {
                break;
            }
        }
        Ok(())
    }
}
