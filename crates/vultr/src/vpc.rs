//! Private networks.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::decode::{self, One, wrapped};
use crate::error::absent;
use crate::settle::{self, Wanted};
use crate::{Client, Ensured, Mark, Phase, Progress, Result, Wait};

/// A network of one region.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Vpc {
    /// Id.
    pub id: String,
    /// Region.
    pub region: String,
    /// Description: the owner's mark.
    #[serde(deserialize_with = "decode::text")]
    pub description: String,
    /// First address.
    pub v4_subnet: Ipv4Addr,
    /// Length of the prefix.
    pub v4_subnet_mask: u8,
    /// When it was made.
    pub date_created: Timestamp,
}

wrapped!(Vpc, "vpc", "vpcs");

impl Vpc {
    /// The network in the usual notation.
    #[must_use]
    pub fn cidr(&self) -> String {
        format!("{}/{}", self.v4_subnet, self.v4_subnet_mask)
    }
}

/// What a network is made from.
#[derive(Debug, Clone, Serialize)]
pub struct CreateVpc {
    /// Region.
    pub region: String,
    /// Description: the owner's mark.
    pub description: String,
    /// Addresses, never to change; without them the vendor chooses.
    #[serde(flatten)]
    pub subnet: Option<Subnet>,
}

/// Addresses of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Subnet {
    /// First address.
    #[serde(rename = "v4_subnet")]
    pub address: Ipv4Addr,
    /// Length of the prefix.
    #[serde(rename = "v4_subnet_mask")]
    pub length: u8,
}

/// Something that holds a network and keeps it from being deleted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Attachment {
    /// Id of the attachment.
    pub id: String,
    /// What is attached, such as `vps`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The object behind it.
    #[serde(default, deserialize_with = "decode::object")]
    pub linked_subscription: Option<LinkedSubscription>,
}

/// The object behind an attachment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LinkedSubscription {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
}

wrapped!(Attachment, "attachment", "attachments");

impl Client {
    /// Every network.
    pub async fn vpcs(&self) -> Result<Vec<Vpc>> {
        self.list(&["vpcs"]).await
    }

    /// Every network whose description is the mark exactly, with the phase that it tells.
    pub async fn vpcs_marked(&self, mark: &Mark) -> Result<Vec<(Phase, Vpc)>> {
        let vpcs = self.vpcs().await?;
        Ok(vpcs
            .into_iter()
            .filter_map(|vpc| Some((mark.phase_of(&vpc.description)?, vpc)))
            .collect())
    }

    /// One network.
    pub async fn vpc(&self, id: &str) -> Result<Option<Vpc>> {
        let request = self.request(Method::GET, &["vpcs", id])?;
        let found = absent(self.fetch::<One<Vpc>>(request).await)?;
        Ok(found.map(|One(vpc)| vpc))
    }

    /// Makes a network. [`crate::Error::Unanswered`] leaves open whether there is one now.
    pub async fn create_vpc(&self, wanted: &CreateVpc) -> Result<Vpc> {
        let request = self.request(Method::POST, &["vpcs"])?.json(wanted)?;
        let One(vpc) = self.fetch(request).await?;
        Ok(vpc)
    }

    /// The network whose description is exactly the wanted one, made if there is none.
    pub async fn ensure_vpc(&self, wanted: &CreateVpc) -> Result<Ensured<Vpc>> {
        let look = || async {
            let mut found = self.vpcs().await?;
            found.retain(|vpc| vpc.description == wanted.description);
            Ok(found)
        };
        let target = Wanted {
            kind: "VPC",
            mark: &wanted.description,
        };
        self.ensure(target, look, || self.create_vpc(wanted)).await
    }

    /// Changes the description.
    pub async fn update_vpc_description(&self, id: &str, description: &str) -> Result<()> {
        #[derive(Serialize)]
        struct Body<'a> {
            description: &'a str,
        }
        let request = self
            .request(Method::PUT, &["vpcs", id])?
            .json(&Body { description })?;
        let answer = self.perform(request).await;
        settle::changed(answer, self.vpc(id), |vpc| vpc.description == description).await
    }

    /// Deletes a network; [`crate::Error::Busy`] while anything holds it.
    pub async fn delete_vpc(&self, id: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &["vpcs", id])?;
        settle::deleted(self.perform(request).await, self.vpc(id)).await
    }

    /// What holds a network; `None` when there is no such network.
    pub async fn vpc_attachments(&self, id: &str) -> Result<Option<Vec<Attachment>>> {
        absent(self.list(&["vpcs", id, "attachments"]).await)
    }

    /// Waits until nothing holds a network, deletes it, and waits until it is not found. The error of a passed deadline
    /// names the holders.
    pub async fn delete_vpc_when_free(&self, id: &str, wait: &Wait) -> Result<()> {
        wait.until(&format!("VPC {id} to be free and deleted"), || async {
            let holders = self.vpc_attachments(id).await?.unwrap_or_default();
            if !holders.is_empty() {
                return Ok(Progress::NotYet(held_by(&holders)));
            }
            match self.delete_vpc(id).await {
                Ok(()) => Ok(match self.vpc(id).await? {
                    None => Progress::Done(()),
                    Some(_) => Progress::NotYet("still there".to_owned()),
                }),
                // Releases run behind the API: the listing may be empty before the network is free.
                Err(error) if error.is_busy() => Ok(Progress::NotYet(error.to_string())),
                Err(error) => Err(error),
            }
        })
        .await
    }
}

fn held_by(holders: &[Attachment]) -> String {
    let names: Vec<String> = holders
        .iter()
        .map(|holder| match &holder.linked_subscription {
            Some(linked) => format!("{} {}", linked.kind, linked.id),
            None => format!("{} {}", holder.kind, holder.id),
        })
        .collect();
    format!("held by {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_asked_for_with_both_parts_of_its_subnet_or_neither() {
        let mut wanted = CreateVpc {
            region: "ams".into(),
            description: "slipway:acme (creating)".into(),
            subnet: Some(Subnet {
                address: Ipv4Addr::new(10, 20, 0, 0),
                length: 20,
            }),
        };
        assert_eq!(
            serde_json::to_string(&wanted).unwrap(),
            r#"{"region":"ams","description":"slipway:acme (creating)","v4_subnet":"10.20.0.0","v4_subnet_mask":20}"#
        );
        wanted.subnet = None;
        assert_eq!(
            serde_json::to_string(&wanted).unwrap(),
            r#"{"region":"ams","description":"slipway:acme (creating)"}"#
        );
    }

    #[test]
    fn holders_are_named_by_the_object_behind_them() {
        let body = r#"{"attachments":[{"id":"1","type":"vps","mac_address":"5a:00","date_added":"2026-07-07T22:57:01+00:00","ip":{"v4":"10.20.0.3"},"linked_subscription":{"type":"vke","id":"c1"}},{"id":"2","type":"lb"}],"meta":{"total":2,"links":{"next":"","prev":""}}}"#;
        let page: decode::Page<Attachment> = decode::read(body.as_bytes()).unwrap();
        assert_eq!(held_by(&page.items), "held by vke c1, lb 2");
    }
}
