//! The rehearsal: an emulated Vultr account around real engines.

fn main() {}
