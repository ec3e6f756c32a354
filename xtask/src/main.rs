//! The project's own tasks: demo, test, docs, tools, bench.

fn main() {}
