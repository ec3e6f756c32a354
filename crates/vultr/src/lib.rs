//! Typed client of the Vultr v2 API.
