//! Environment claims: types, validation, version grammar.
