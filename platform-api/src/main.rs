//! The program `platform-api`.

fn main() {}
