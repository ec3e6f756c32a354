//! Block storage volumes.

use reqwest::Method;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::decode::{self, One, wrapped};
use crate::error::absent;
use crate::open_enum::open_enum;
use crate::settle::{self, Wanted};
use crate::{Client, Ensured, Error, Result};

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Block {
    /// Id.
    pub id: String,
    /// Label; the driver in a cluster names its volumes `pvc-` and 16 hexadecimal digits.
    #[serde(deserialize_with = "decode::text")]
    pub label: String,
    /// Region.
    pub region: String,
    /// Size.
    pub size_gb: u64,
    /// State.
    pub status: BlockStatus,
    /// The server that has it; empty when it is free.
    #[serde(deserialize_with = "decode::text")]
    pub attached_to_instance: String,
    /// Kind of disk.
    #[serde(default, deserialize_with = "decode::text")]
    pub block_type: String,
    /// Part of the device's name on the server.
    #[serde(default, deserialize_with = "decode::text")]
    pub mount_id: String,
    /// Price of a month in US dollars.
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    pub cost: Option<Decimal>,
}

open_enum! {
    /// State of a volume.
    BlockStatus {
        /// Being made.
        Pending = "pending",
        /// Usable.
        Active = "active",
    }
}

wrapped!(Block, "block", "blocks");

/// What a volume is made from.
#[derive(Debug, Clone, Serialize)]
pub struct CreateBlock {
    /// Region.
    pub region: String,
    /// Label: the owner's mark.
    pub label: String,
    /// Size.
    pub size_gb: u64,
    /// `high_perf` or `storage_opt`.
    pub block_type: String,
}

#[derive(Serialize)]
struct Attach<'a> {
    instance_id: &'a str,
    live: bool,
}

#[derive(Serialize)]
struct Detach {
    live: bool,
}

impl Client {
    /// Every volume.
    pub async fn blocks(&self) -> Result<Vec<Block>> {
        self.list(&["blocks"]).await
    }

    /// One volume.
    pub async fn block(&self, id: &str) -> Result<Option<Block>> {
        let request = self.request(Method::GET, &["blocks", id])?;
        let found = absent(self.fetch::<One<Block>>(request).await)?;
        Ok(found.map(|One(block)| block))
    }

    /// Makes a volume.
    pub async fn create_block(&self, wanted: &CreateBlock) -> Result<Block> {
        let request = self.request(Method::POST, &["blocks"])?.json(wanted)?;
        let One(block) = self.fetch(request).await?;
        Ok(block)
    }

    /// The volume of exactly the wanted label, made if there is none.
    pub async fn ensure_block(&self, wanted: &CreateBlock) -> Result<Ensured<Block>> {
        let look = || async {
            let mut found = self.blocks().await?;
            found.retain(|block| block.label == wanted.label);
            Ok(found)
        };
        let target = Wanted {
            kind: "volume",
            mark: &wanted.label,
        };
        self.ensure(target, look, || self.create_block(wanted))
            .await
    }

    /// Attaches a volume to a server without a restart.
    pub async fn attach_block(&self, id: &str, instance: &str) -> Result<()> {
        let request = self
            .request(Method::POST, &["blocks", id, "attach"])?
            .json(&Attach {
                instance_id: instance,
                live: true,
            })?;
        let answer = self.perform(request).await;
        settle::changed(answer, self.block(id), |block| {
            block.attached_to_instance == instance
        })
        .await
    }

    /// Detaches a volume without a restart; also cures an attachment that outlived its cluster. A free volume is no error.
    pub async fn detach_block(&self, id: &str) -> Result<()> {
        let request = self
            .request(Method::POST, &["blocks", id, "detach"])?
            .json(&Detach { live: true })?;
        let answer = match self.perform(request).await {
            Err(Error::NotFound { refusal, .. } | Error::Refused { refusal, .. })
                if is_free(&refusal.text) =>
            {
                Ok(())
            }
            answer => answer,
        };
        settle::changed(answer, self.block(id), |block| {
            block.attached_to_instance.is_empty()
        })
        .await
    }

    /// Deletes a volume with its data.
    pub async fn delete_block(&self, id: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &["blocks", id])?;
        settle::deleted(self.perform(request).await, self.block(id)).await
    }
}

/// The two ways in which the API says that a volume has no server.
fn is_free(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("not currently attached") || text.contains("attachment not found")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_volume_is_read() {
        let body = r#"{"block":{"id":"b1","date_created":"2026-07-07T22:57:01+00:00","cost":1.00,"pending_charges":0.02,"status":"active","size_gb":10,"region":"ams","attached_to_instance":"","attached_to_instance_ip":"","attached_to_instance_label":"","label":"pvc-0123456789abcdef","mount_id":"ams-1","block_type":"high_perf","os_id":0,"snapshot_id":"","bootable":false}}"#;
        let One(block): One<Block> = decode::read(body.as_bytes()).unwrap();
        assert!(block.attached_to_instance.is_empty());
        assert_eq!(block.status, BlockStatus::Active);
        assert_eq!(block.cost.unwrap().to_string(), "1.00");
    }

    #[test]
    fn a_volume_without_a_server_is_told_from_a_volume_that_is_not() {
        assert!(is_free(
            "Block storage volume is not currently attached to a server"
        ));
        assert!(is_free("Attachment Not Found"));
        assert!(!is_free("Invalid block storage ID"));
    }
}
