//! Runs the platform's Ansible playbooks on a host over SSH.

fn main() {}
