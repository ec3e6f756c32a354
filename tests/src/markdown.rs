//! The fenced blocks of a page.

use std::path::Path;

use anyhow::{Context, Result, ensure};

/// A fenced block: what stands behind its fence, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The words behind the opening fence.
    pub kind: String,
    /// The lines between the fences, each with its end.
    pub text: String,
}

/// Every block of a page, in their order.
pub fn blocks(page: &Path) -> Result<Vec<Block>> {
    let text = std::fs::read_to_string(page)
        .with_context(|| format!("{} cannot be read", page.display()))?;
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => {
                open = Some(Block {
                    kind: kind.trim().to_owned(),
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    ensure!(open.is_none(), "a block of {} has no end", page.display());
    Ok(blocks)
}
