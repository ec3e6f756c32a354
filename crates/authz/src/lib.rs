//! Who may do what to which environment: Cedar policies, checked against our schema and decided in process.

#![forbid(unsafe_code)]
