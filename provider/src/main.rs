//! Terraform provider for Slipway platforms.

fn main() {}
