//! Terraform plugin protocol 6 for providers written in Rust.
